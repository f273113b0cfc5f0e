# What people and workloads need to call the API; attached by whoever owns their roles, not here.

locals {
  stage_arn = "${var.api_execution_arn}/${var.stage_name}"

  # Say that the API is there and which models there are, and nothing of anybody's requests.
  discovery = ["${local.stage_arn}/GET/bedrock/models", "${local.stage_arn}/GET/health"]

  # API Gateway does not document whether it compares a path as it was sent or decoded, so both spellings are allowed.
  model_paths = {
    for name, models in var.model_policies : name => distinct(flatten([
      for model in models : [
        for spelling in [model, replace(replace(model, ":", "%3A"), "/", "%2F")] : "${local.stage_arn}/POST/model/${spelling}/*"
      ]
    ]))
  }

  caller_policies = merge(
    {
      invoke-all     = data.aws_iam_policy_document.invoke_all.minified_json
      read-dashboard = data.aws_iam_policy_document.read_dashboard.minified_json
      operate        = data.aws_iam_policy_document.operate.minified_json
    },
    { for name, policy in data.aws_iam_policy_document.invoke_models : "invoke-models-${name}" => policy.minified_json },
  )
}

data "aws_iam_policy_document" "caller" {
  statement {
    sid       = "CallCrossPartitionInference"
    actions   = ["execute-api:Invoke"]
    resources = ["${local.stage_arn}/*"]
  }
}

data "aws_iam_policy_document" "invoke_all" {
  statement {
    sid     = "InvokeAnyModel"
    actions = ["execute-api:Invoke"]
    resources = concat(local.discovery, [
      "${local.stage_arn}/GET/bedrock/invoke-model",
      "${local.stage_arn}/POST/bedrock/invoke-model",
      "${local.stage_arn}/POST/model/*",
    ])
  }
}

# POST /bedrock/invoke-model is in none of these: it has the model in its body, which IAM does not see.
data "aws_iam_policy_document" "invoke_models" {
  for_each = local.model_paths

  statement {
    sid       = "InvokeModels"
    actions   = ["execute-api:Invoke"]
    resources = each.value
  }

  statement {
    sid       = "DiscoverModels"
    actions   = ["execute-api:Invoke"]
    resources = local.discovery
  }

  # "*" matches slashes too. No id and no route has two dots in a row or an encoded dot, so no path can step out of its model.
  statement {
    sid       = "StayBelowTheModel"
    effect    = "Deny"
    actions   = ["execute-api:Invoke"]
    resources = [for dots in ["..", "%2e", "%2E"] : "${local.stage_arn}/POST/model/*${dots}*"]
  }
}

data "aws_iam_policy_document" "read_dashboard" {
  statement {
    sid       = "ReadAuditTrail"
    actions   = ["execute-api:Invoke"]
    resources = ["${local.stage_arn}/GET/dashboard/*"]
  }
}

resource "aws_iam_policy" "caller" {
  for_each = var.create_caller_policies ? local.caller_policies : {}

  name        = "${var.function_name}-${local.region}-${each.key}"
  description = "For callers and operators of ${var.function_name} in ${local.region}: ${each.key}"
  policy      = each.value

  lifecycle {
    precondition {
      condition     = length(each.value) <= 6144
      error_message = "The policy ${each.key} has ${length(each.value)} characters; IAM takes 6144. Split the models into several policies or use patterns."
    }
  }
}
