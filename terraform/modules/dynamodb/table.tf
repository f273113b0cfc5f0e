resource "aws_dynamodb_table" "this" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection

  hash_key  = "requestId"
  range_key = "timestamp"

  # Both images, so that whoever reads the stream sees what a change replaced.
  stream_enabled   = var.stream_enabled
  stream_view_type = var.stream_enabled ? "NEW_AND_OLD_IMAGES" : null

  dynamic "attribute" {
    for_each = setunion(["requestId", "timestamp", "timeKey"], values(local.indexes)[*].hash_key)

    content {
      name = attribute.value
      type = "S"
    }
  }

  # Time-ordered reading. The hash keys carry a shard, so that one day is not one hot partition.
  dynamic "global_secondary_index" {
    for_each = local.indexes

    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.hash_key
      range_key          = "timeKey"
      projection_type    = "INCLUDE"
      non_key_attributes = global_secondary_index.value.attributes
    }
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

# An index is written where its key or one of its attributes changes. What an outcome adds is in by-outcome only, whose key
# changes anyway: completing a record leaves the other two alone.
locals {
  filter_attributes = ["callerArn", "classification", "decision", "foundationModelId", "modelId", "resolvedModelId", "ttl"]
  usage_attributes = [
    "cacheReadInputTokens", "cacheWriteInputTokens", "errorCode", "inputTokens", "latency", "operation", "outputTokens", "requestSize",
    "responseSize", "state", "statusCode", "upstreamLatencyMs",
  ]

  indexes = {
    by-time    = { hash_key = "dayShard", attributes = local.filter_attributes }
    by-caller  = { hash_key = "callerDayShard", attributes = local.filter_attributes }
    by-outcome = { hash_key = "outcomeDayShard", attributes = concat(local.filter_attributes, local.usage_attributes) }
  }
}
