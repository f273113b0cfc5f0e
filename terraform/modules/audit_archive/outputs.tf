output "bucket_name" {
  description = "Name of the bucket that holds the archive."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = local.bucket_arn
}

output "bucket_policy_json" {
  description = "Policy of the bucket, which holds for everybody in the account."
  value       = data.aws_iam_policy_document.bucket.json
}

output "retention" {
  description = "How each object is locked: `mode`, and for how many `days`."
  value       = var.retention

  # Whoever learns where the archive is finds it locked.
  depends_on = [aws_s3_bucket_object_lock_configuration.this]
}

output "expire_after_days" {
  description = "After how many days objects are deleted; null if never."
  value       = var.expire_after_days
}

output "cold_storage_after_days" {
  description = "After how many days objects move to cold storage; 0 if never."
  value       = var.cold_storage_after_days
}

output "access_log_bucket" {
  description = "Bucket that S3 logs to who used the archive; null if none."
  value       = one(aws_s3_bucket_logging.this[*].target_bucket)
}

output "deletion_protected" {
  description = "Whether the table refuses to be deleted, and Terraform a bucket that is not empty."
  value       = aws_dynamodb_table.head.deletion_protection_enabled && !aws_s3_bucket.this.force_destroy
}

output "table_name" {
  description = "Name of the table that holds the end of the chain."
  value       = aws_dynamodb_table.head.name
}

output "table_arn" {
  description = "ARN of the table that holds the end of the chain."
  value       = aws_dynamodb_table.head.arn
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts bucket and table."
  value       = aws_kms_key.this.arn
}
