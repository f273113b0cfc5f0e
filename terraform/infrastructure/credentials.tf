module "commercial_credential" {
  source = "../modules/secrets_manager"

  name                 = "${local.name}-commercial-creds"
  description          = "Credential for Amazon Bedrock in the Commercial partition (${local.name})"
  kms_key_arn          = aws_kms_key.this.arn
  recovery_window_days = var.secret_recovery_window_days
}
