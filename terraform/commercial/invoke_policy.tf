# What the router does in this account, and nothing else. It is a managed policy, so that any principal can have it: the
# group of the user with keys, and the role of federation.
resource "aws_iam_policy" "invoke" {
  name        = "${local.iam_name}-invoke"
  description = "What the router of ${local.name} does in Amazon Bedrock"
  policy      = data.aws_iam_policy_document.invoke.json

  lifecycle {
    precondition {
      condition     = length(jsonencode(jsondecode(data.aws_iam_policy_document.invoke.json))) <= 6144
      error_message = "The policy is longer than the 6,144 characters IAM allows. Use fewer and wider model_patterns, or fewer application_profiles, guardrail_ids and places in async_output."
    }
  }
}

data "aws_iam_policy_document" "invoke" {
  # These have no resource to name; the lists carry nothing of a caller's.
  statement {
    sid       = "ReadCatalog"
    actions   = ["bedrock:GetFoundationModelAvailability", "bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid       = "ReadModels"
    actions   = ["bedrock:GetFoundationModel"]
    resources = local.model_arns
  }

  statement {
    sid       = "ReadProfiles"
    actions   = ["bedrock:GetInferenceProfile"]
    resources = local.profile_arns
  }

  # InvokeModel also covers Converse, Chat Completions and Messages; InvokeModelWithResponseStream their streams.
  statement {
    sid       = "InvokeModels"
    actions   = ["bedrock:CountTokens", "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    resources = local.model_arns
  }

  statement {
    sid       = "InvokeProfiles"
    actions   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    resources = local.profile_arns
  }

  statement {
    sid       = "InvokeRemoteModelsThroughProfiles"
    actions   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    resources = local.remote_model_arns

    condition {
      test     = "ArnLike"
      variable = "bedrock:InferenceProfileArn"
      values   = local.profile_arns
    }
  }

  # The Responses API asks for this in addition to the model or profile; alone it opens nothing.
  statement {
    sid       = "InvokeInDefaultProject"
    actions   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    resources = ["arn:aws:bedrock:${var.region}:${local.account_id}:project/default"]
  }

  # Checks that need no guardrail and so have no resource; they only detect.
  statement {
    sid       = "CheckContent"
    actions   = ["bedrock:InvokeGuardrailChecks"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  dynamic "statement" {
    for_each = length(var.guardrail_ids) > 0 ? [var.guardrail_ids] : []

    content {
      sid       = "ApplyGuardrails"
      actions   = ["bedrock:ApplyGuardrail"]
      resources = [for id in statement.value : "arn:aws:bedrock:${var.region}:${local.account_id}:guardrail/${id}"]
    }
  }

  dynamic "statement" {
    for_each = var.application_profile_creation_enabled ? [local.every_application_profile_arn] : []

    content {
      sid       = "CreateApplicationProfiles"
      actions   = ["bedrock:CreateInferenceProfile"]
      resources = concat(local.model_arns, local.geography_profile_arns, [statement.value])
    }
  }

  dynamic "statement" {
    for_each = var.application_profile_creation_enabled ? [local.every_application_profile_arn] : []

    content {
      sid       = "TagApplicationProfiles"
      actions   = ["bedrock:TagResource"]
      resources = [statement.value]
    }
  }

  # InvokeModel on the model starts an asynchronous invocation. It is a resource of its own, and may carry tags.
  dynamic "statement" {
    for_each = var.async_output[*]

    content {
      sid       = "InvokeAsynchronously"
      actions   = ["bedrock:GetAsyncInvoke", "bedrock:InvokeModel", "bedrock:TagResource"]
      resources = ["arn:aws:bedrock:${var.region}:${local.account_id}:async-invoke/*"]
    }
  }

  dynamic "statement" {
    for_each = var.async_output[*]

    content {
      sid       = "ListAsynchronousInvocations"
      actions   = ["bedrock:ListAsyncInvokes"]
      resources = ["*"]

      condition {
        test     = "StringEquals"
        variable = "aws:RequestedRegion"
        values   = [var.region]
      }
    }
  }

  # Bedrock writes the results in the name of whoever started the invocation.
  dynamic "statement" {
    for_each = var.async_output[*]

    content {
      sid       = "WriteAsynchronousResults"
      actions   = ["s3:PutObject"]
      resources = [for prefix in statement.value.s3_prefixes : "arn:aws:s3:::${trimprefix(prefix, "s3://")}*"]
    }
  }

  # S3 makes a data key for an object, and decrypts it again between the parts of a large one.
  dynamic "statement" {
    for_each = [for output in var.async_output[*] : output.kms_key_arns if length(output.kms_key_arns) > 0]

    content {
      sid       = "EncryptAsynchronousResults"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${var.region}.amazonaws.com"]
      }
    }
  }

  # A denial, so that no other policy can undo it: a stolen key or session is worth nothing elsewhere.
  dynamic "statement" {
    for_each = length(var.allowed_source_cidrs) > 0 ? [var.allowed_source_cidrs] : []

    content {
      sid       = "DenyOtherNetworks"
      effect    = "Deny"
      actions   = ["bedrock:*"]
      resources = ["*"]

      condition {
        test     = "NotIpAddress"
        variable = "aws:SourceIp"
        values   = statement.value
      }
    }
  }

  # Results are written by Bedrock in the caller's name, from an address of its own.
  dynamic "statement" {
    for_each = length(var.allowed_source_cidrs) > 0 && var.async_output != null ? [var.allowed_source_cidrs] : []

    content {
      sid       = "DenyWritingFromOtherNetworks"
      effect    = "Deny"
      actions   = ["s3:PutObject"]
      resources = ["*"]

      condition {
        test     = "NotIpAddress"
        variable = "aws:SourceIp"
        values   = statement.value
      }

      condition {
        test     = "Bool"
        variable = "aws:ViaAWSService"
        values   = ["false"]
      }
    }
  }
}
