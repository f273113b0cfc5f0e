# What people and workloads need to call the API; attached by whoever owns their roles, not here.

locals {
  stage_arn = "${var.api_execution_arn}/${var.stage_name}"

  # Say that the API is there, which models there are, what to call them by and what the policy has to say to a request of
  # one's own; nothing of anybody else's requests. Nothing of it is sent to a model.
  discovery = [
    for operation in [
      "GET/bedrock/models", "GET/bedrock/models/*", "GET/foundation-model-availability/*", "GET/foundation-models",
      "GET/foundation-models/*", "GET/health", "GET/inference-profiles", "GET/inference-profiles/*", "POST/bedrock/explain",
    ] : "${local.stage_arn}/${operation}"
  ]

  # API Gateway does not document whether it compares a path as it was sent or decoded, so both are allowed; and clients
  # spell an ARN in two ways: AWS's SDKs encode ":" and "/", Anthropic's encodes "/" only.
  model_paths = {
    for name, models in var.model_policies : name => distinct(flatten([
      for model in models : [
        for spelling in [model, replace(replace(model, ":", "%3A"), "/", "%2F"), replace(model, "/", "%2F")] :
        "${local.stage_arn}/POST/model/${spelling}/*"
      ]
    ]))
  }

  # "*" matches slashes too. No id and no route has two dots in a row or an encoded dot, so with these denied no path can step
  # out of its model, or out of what is read into the dashboard.
  stepping_out = [for dots in ["..", "%2e", "%2E"] : "${local.stage_arn}/*${dots}*"]

  caller_policies = merge(
    {
      invoke-all     = data.aws_iam_policy_document.invoke_all.minified_json
      read-dashboard = data.aws_iam_policy_document.read_dashboard.minified_json
      operate        = data.aws_iam_policy_document.operate.minified_json
      audit          = data.aws_iam_policy_document.audit.minified_json
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
      for operation in [
        "GET/async-invoke", "GET/async-invoke/*", "GET/bedrock/invoke-model", "POST/anthropic/*", "POST/async-invoke",
        "POST/bedrock/invoke-model", "POST/guardrail-checks/invoke", "POST/guardrail/*", "POST/model/*", "POST/openai/*",
      ] : "${local.stage_arn}/${operation}"
    ])
  }

  statement {
    sid       = "DenySteppingOut"
    effect    = "Deny"
    actions   = ["execute-api:Invoke"]
    resources = local.stepping_out
  }
}

# Only what has the model in its path: IAM does not see bodies, which is where POST /bedrock/invoke-model, /async-invoke,
# /openai/... and /anthropic/... have it.
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

  statement {
    sid       = "DenySteppingOut"
    effect    = "Deny"
    actions   = ["execute-api:Invoke"]
    resources = local.stepping_out
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
