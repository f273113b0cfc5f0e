output "region" {
  description = "Region of the state bucket."
  value       = var.region
}

output "state_bucket" {
  description = "Bucket that holds the state of every root."
  value       = aws_s3_bucket.state.bucket
}

output "access_log_bucket" {
  description = "Bucket that holds who used the state bucket, the artifact buckets and the audit archives."
  value       = aws_s3_bucket.access_logs.bucket
}

output "state_kms_key_arn" {
  description = "KMS key that encrypts the states."
  value       = aws_kms_key.state.arn
}

output "backend_config" {
  description = "Backend settings for every root that keeps its state here: the text of a file for `terraform init -backend-config`."
  value       = <<-EOT
    # Written by bootstrap.sh; names no secret, so commit it. The bucket encrypts with its own key by default;
    # `encrypt = true` without a key would choose another one.
    bucket            = "${aws_s3_bucket.state.bucket}"
    region            = "${var.region}"
    use_lockfile      = true
    use_fips_endpoint = ${var.use_fips_endpoint}
  EOT
}

output "api_gateway_logs_role_arn" {
  description = "Role API Gateway writes access logs with; null where this root does not set it."
  value       = one(aws_iam_role.api_gateway_logs[*].arn)
}
