# Changes of a DynamoDB table, in the order of each of its shards. A batch that fails comes again until it succeeds or is a day
# old, when DynamoDB forgets it; nothing is skipped on the way. An alarm on the iterator's age tells of that, and one on the router's
# ArchiveLagSeconds of a stream that is not delivered at all.
resource "aws_lambda_event_source_mapping" "stream" {
  count = var.stream == null ? 0 : 1

  event_source_arn  = var.stream.arn
  function_name     = local.stream_alias.arn
  starting_position = "TRIM_HORIZON"

  batch_size                         = var.stream.batch_size
  maximum_batching_window_in_seconds = var.stream.batching_window_seconds

  maximum_record_age_in_seconds = -1
  maximum_retry_attempts        = -1
}
