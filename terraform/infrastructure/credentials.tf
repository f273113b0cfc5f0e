locals {
  # What the function may use: the mode of choice, and what the release in service still uses until the next one.
  credential_modes = setunion([var.credential.mode], var.retained_credential_modes)

  # Decided by variables only: no attribute of a resource, which a first plan does not know.
  credential_is_stored = length(setintersection(local.credential_modes, ["api_key", "aws_keys"])) > 0
  credential_federates = contains(local.credential_modes, "federation")
}

module "commercial_credential" {
  source = "../modules/secrets_manager"
  count  = local.credential_is_stored ? 1 : 0

  name                 = "${local.name}-commercial-creds"
  description          = "Credential for Amazon Bedrock in the Commercial partition (${local.name})"
  kms_key_arn          = aws_kms_key.this.arn
  recovery_window_days = var.secret_recovery_window_days
}

# An environment from before there was a choice keeps its secret.
moved {
  from = module.commercial_credential
  to   = module.commercial_credential[0]
}
