# For whoever rotates the API key: make a second one that ends, deactivate and delete the first. Attached by whoever owns
# their role, not here. Resetting is missing on purpose: it ends a key at once.
data "aws_iam_policy_document" "rotate_api_key" {
  statement {
    sid       = "CreateApiKeys"
    actions   = ["iam:CreateServiceSpecificCredential"]
    resources = [local.api_key_user_arn]

    condition {
      test     = "StringEquals"
      variable = "iam:ServiceSpecificCredentialServiceName"
      values   = ["bedrock.amazonaws.com"]
    }

    # A key without an end has no age, and so is not allowed either.
    condition {
      test     = "NumericLessThanEquals"
      variable = "iam:ServiceSpecificCredentialAgeDays"
      values   = ["366"]
    }
  }

  statement {
    sid       = "RetireApiKeys"
    actions   = ["iam:DeleteServiceSpecificCredential", "iam:ListServiceSpecificCredentials", "iam:UpdateServiceSpecificCredential"]
    resources = [local.api_key_user_arn]
  }
}

locals {
  api_key_user_arn = "arn:aws:iam::${local.account_id}:user/${local.iam_name}"
}
