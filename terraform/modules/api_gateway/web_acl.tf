# Rules that look at where a request comes from and how often. None looks at a body: prompts are about anything, the texts
# that rule sets against injection look for included.

locals {
  # By the object and not by its ARN, which may be known after the apply only.
  web_acl_is_managed = var.waf == null ? false : var.waf.existing_web_acl == null
  web_acl_is_logged  = local.web_acl_is_managed ? var.waf.log_enabled : false
  logs_arn           = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.name}"
  web_acl_log_name   = "aws-waf-logs-${var.name}" # WAF insists on the prefix.
}

resource "aws_wafv2_web_acl_association" "this" {
  count = length(var.waf[*])

  resource_arn = aws_api_gateway_stage.this.arn
  web_acl_arn  = local.web_acl_is_managed ? aws_wafv2_web_acl.this[0].arn : var.waf.existing_web_acl.arn
}

resource "aws_wafv2_web_acl" "this" {
  count = local.web_acl_is_managed ? 1 : 0

  name        = var.name
  description = "Callers of the API ${var.name}"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "ip-reputation"
    priority = 0

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesAmazonIpReputationList"
      }
    }

    visibility_config {
      metric_name                = "${var.name}-ip-reputation"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
    }
  }

  # Tor and the like. Addresses of hosting providers are only counted: workloads have such.
  rule {
    name     = "anonymous-ip"
    priority = 1

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesAnonymousIpList"

        rule_action_override {
          name = "HostingProviderIPList"

          action_to_use {
            count {}
          }
        }
      }
    }

    visibility_config {
      metric_name                = "${var.name}-anonymous-ip"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
    }
  }

  # This group looks at bodies too, so it sees no request that has one: a prompt is always a POST.
  rule {
    name     = "known-bad-inputs"
    priority = 2

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesKnownBadInputsRuleSet"

        scope_down_statement {
          byte_match_statement {
            search_string         = "GET"
            positional_constraint = "EXACTLY"

            field_to_match {
              method {}
            }

            text_transformation {
              priority = 0
              type     = "NONE"
            }
          }
        }
      }
    }

    visibility_config {
      metric_name                = "${var.name}-known-bad-inputs"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
    }
  }

  rule {
    name     = "rate-per-ip"
    priority = 3

    action {
      block {}
    }

    statement {
      rate_based_statement {
        aggregate_key_type    = "IP"
        limit                 = var.waf.requests_per_ip
        evaluation_window_sec = 300
      }
    }

    visibility_config {
      metric_name                = "${var.name}-rate-per-ip"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false
    }
  }

  # No samples: they hold the headers of a request, its session token included.
  visibility_config {
    metric_name                = var.name
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false
  }
}

resource "aws_cloudwatch_log_group" "web_acl" {
  count = local.web_acl_is_logged ? 1 : 0

  name              = local.web_acl_log_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  count = local.web_acl_is_logged ? 1 : 0

  resource_arn            = aws_wafv2_web_acl.this[0].arn
  log_destination_configs = [aws_cloudwatch_log_group.web_acl[0].arn]

  # What could sign or replay a request: SigV4's headers, and its query string in a presigned URL.
  dynamic "redacted_fields" {
    for_each = ["authorization", "x-amz-security-token"]

    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }

  redacted_fields {
    query_string {}
  }

  depends_on = [aws_cloudwatch_log_resource_policy.web_acl]
}

# WAF would write one policy for all web ACLs of the account, which outgrows its limit and outlives them.
resource "aws_cloudwatch_log_resource_policy" "web_acl" {
  count = local.web_acl_is_logged ? 1 : 0

  policy_name     = local.web_acl_log_name
  policy_document = data.aws_iam_policy_document.web_acl_log[0].json
}

data "aws_iam_policy_document" "web_acl_log" {
  count = local.web_acl_is_logged ? 1 : 0

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.logs_arn}:${local.account_id}:log-group:${local.web_acl_log_name}:*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["${local.logs_arn}:${local.account_id}:*"]
    }
  }
}
