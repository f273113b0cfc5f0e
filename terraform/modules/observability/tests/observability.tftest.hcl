# The real provider, computing for the aws-us-gov partition without an account.
provider "aws" {
  region                      = "us-gov-west-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

provider "aws" {
  alias                       = "east"
  region                      = "us-gov-east-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_resource {
  target          = aws_sns_topic.alarms
  override_during = plan
  values          = { arn = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:cross-partition-test-alarms" }
}

override_resource {
  target          = aws_cloudwatch_metric_alarm.metric
  override_during = plan
  values          = { arn = "arn:aws-us-gov:cloudwatch:us-gov-west-1:123456789012:alarm:cross-partition-test-metric" }
}

override_resource {
  target          = aws_cloudwatch_metric_alarm.expression
  override_during = plan
  values          = { arn = "arn:aws-us-gov:cloudwatch:us-gov-west-1:123456789012:alarm:cross-partition-test-expression" }
}

variables {
  name                = "cross-partition-test"
  function_name       = "cross-partition-test-router"
  api_name            = "cross-partition-test"
  audit_table_name    = "cross-partition-test-requests"
  kms_key_arn         = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  notification_emails = ["operators@agency.example"]
}

run "the_alarms" {
  command = plan

  # Namespace and dimensions decide whether an alarm can fire at all; tests/unit/test_metrics.py holds the names.
  assert {
    condition = alltrue([
      for alarm in values(aws_cloudwatch_metric_alarm.metric) : alarm.dimensions == {
        CrossPartitionInference = tomap({ service = "cross-partition-test-router" })
        "AWS/Lambda"            = tomap({ FunctionName = "cross-partition-test-router" })
      }[alarm.namespace]
    ])
    error_message = "An alarm watches dimensions under which nothing is emitted."
  }

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.metric : name => join(" ", [
        alarm.statistic, alarm.metric_name, alarm.comparison_operator, alarm.threshold,
        "${alarm.datapoints_to_alarm}/${alarm.evaluation_periods}x${alarm.period}s", alarm.treat_missing_data,
      ])
      } == {
      audit-write-failures = "Sum AuditWriteFailures GreaterThanOrEqualToThreshold 1 1/1x300s notBreaching"
      denied-crossings     = "Sum DeniedCrossings GreaterThanOrEqualToThreshold 10 1/1x300s notBreaching"
      policy-failures      = "Sum PolicyFailures GreaterThanOrEqualToThreshold 1 1/1x300s notBreaching"
      limit-failures       = "Sum LimitFailures GreaterThanOrEqualToThreshold 1 1/1x300s notBreaching"
      guardrail-failures   = "Sum GuardrailFailures GreaterThanOrEqualToThreshold 1 1/1x300s notBreaching"
      stale-credentials    = "Sum StaleCredentials GreaterThanOrEqualToThreshold 1 2/3x300s notBreaching"
      abandoned-crossings  = "Sum AbandonedCrossings GreaterThanOrEqualToThreshold 1 1/1x300s notBreaching"
      stuck-crossings      = "Maximum StuckCrossings GreaterThanOrEqualToThreshold 1 1/1x900s missing"
      credential-expiry    = "Minimum CredentialDaysToExpiry LessThanThreshold 14 1/1x900s missing"
      watch                = "Minimum WatchFailures GreaterThanOrEqualToThreshold 1 1/1x900s missing"
      function-errors      = "Sum Errors GreaterThanOrEqualToThreshold 1 1/1x300s notBreaching"
      function-throttles   = "Sum Throttles GreaterThanOrEqualToThreshold 1 1/1x300s notBreaching"
    }
    error_message = "An alarm changed: what fires, and what silence means, is listed here on purpose."
  }

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.expression : name => {
        for query in alarm.metric_query : query.id => try(
          [query.metric[0].namespace, query.metric[0].metric_name, query.metric[0].stat, query.metric[0].dimensions],
          [query.expression, alarm.comparison_operator, alarm.threshold, alarm.treat_missing_data],
        )
      }
      } == {
      error-rate = {
        result   = ["IF(requests >= 10, 100 * errors / requests, 0)", "GreaterThanThreshold", 5, "notBreaching"]
        requests = ["CrossPartitionInference", "Requests", "Sum", tomap({ service = "cross-partition-test-router" })]
        errors   = ["CrossPartitionInference", "ServerErrors", "Sum", tomap({ service = "cross-partition-test-router" })]
      }
      latency-p99 = {
        result   = ["IF(requests >= 10, p99, 0)", "GreaterThanThreshold", 25000, "notBreaching"]
        requests = ["CrossPartitionInference", "Requests", "Sum", tomap({ service = "cross-partition-test-router" })]
        p99      = ["CrossPartitionInference", "Latency", "p99", tomap({ service = "cross-partition-test-router" })]
      }
      api-error-rate = {
        result   = ["IF(requests >= 10, 100 * errors / requests, 0)", "GreaterThanThreshold", 5, "notBreaching"]
        requests = ["AWS/ApiGateway", "Count", "SampleCount", tomap({ ApiName = "cross-partition-test", Stage = "v1" })]
        errors   = ["AWS/ApiGateway", "5XXError", "Sum", tomap({ ApiName = "cross-partition-test", Stage = "v1" })]
      }
      audit-table-throttles = {
        result = ["FILL(SUM(METRICS()), 0)", "GreaterThanOrEqualToThreshold", 1, "notBreaching"]
        put    = ["AWS/DynamoDB", "ThrottledRequests", "Sum", tomap({ TableName = "cross-partition-test-requests", Operation = "PutItem" })]
        update = ["AWS/DynamoDB", "ThrottledRequests", "Sum", tomap({ TableName = "cross-partition-test-requests", Operation = "UpdateItem" })]
        query  = ["AWS/DynamoDB", "ThrottledRequests", "Sum", tomap({ TableName = "cross-partition-test-requests", Operation = "Query" })]
        get    = ["AWS/DynamoDB", "ThrottledRequests", "Sum", tomap({ TableName = "cross-partition-test-requests", Operation = "BatchGetItem" })]
      }
    }
    error_message = "An expression or one of its metrics changed."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.metric), values(aws_cloudwatch_metric_alarm.expression)) :
      toset([output.topic_arn]) == alarm.alarm_actions && alarm.alarm_actions == alarm.ok_actions
    ])
    error_message = "Every alarm must notify when it fires and when it is over."
  }

  # Before the schedule is in service the alarm is in that state already, so nothing is sent.
  assert {
    condition = [
      for name, alarm in aws_cloudwatch_metric_alarm.metric : name if length(coalesce(alarm.insufficient_data_actions, [])) > 0
    ] == ["watch"]
    error_message = "Silence must notify for the scheduled check, and for nothing else."
  }

  assert {
    condition     = !strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "IteratorAge")
    error_message = "Without an archive there is no delay to show."
  }

  assert {
    condition     = output.alarm_names["error-rate"] == "cross-partition-test-error-rate" && length(output.alarm_arns) == 16
    error_message = "The outputs must name every alarm."
  }
}

run "an_archive_that_falls_behind" {
  command = plan

  variables {
    audit_archive_enabled = true
  }

  assert {
    condition = [for name in ["archive-lag", "archive-batch-age"] : join(" ", [
      for field in ["namespace", "metric_name", "statistic", "comparison_operator", "threshold", "treat_missing_data", "period"] :
      aws_cloudwatch_metric_alarm.metric[name][field]
      ])] == [
      "CrossPartitionInference ArchiveLagSeconds Maximum GreaterThanOrEqualToThreshold 3600 missing 900",
      "AWS/Lambda IteratorAge Maximum GreaterThanOrEqualToThreshold 3600000 notBreaching 300",
    ]
    error_message = "An hour's delay must be told, long before DynamoDB forgets, be batches delivered or not."
  }

  assert {
    condition     = length(output.alarm_arns) == 18 && strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "IteratorAge")
    error_message = "The archive adds two alarms and one graph."
  }
}

run "the_topic" {
  command = plan

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "The topic needs the customer managed key."
  }

  assert {
    condition = jsondecode(aws_sns_topic_policy.alarms.policy).Statement == [
      {
        Sid       = "PublishAlarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:cross-partition-test-alarms"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = "arn:aws-us-gov:cloudwatch:us-gov-west-1:123456789012:alarm:cross-partition-test-*" }
        }
      },
      {
        Sid       = "DenyWithoutTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:cross-partition-test-alarms"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
    error_message = "Only this environment's alarms may publish, and only over TLS."
  }

  assert {
    condition = {
      for address, subscription in aws_sns_topic_subscription.email : address => [subscription.protocol, subscription.topic_arn]
    } == { "operators@agency.example" = ["email", output.topic_arn] }
    error_message = "Each address must be subscribed."
  }
}

run "the_dashboard" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
        for metric in try(widget.properties.metrics, []) :
        slice(metric, 2, 4) == ["service", "cross-partition-test-router"] && length(metric) == 5
        if metric[0] == "CrossPartitionInference"
      ]
    ]))
    error_message = "A graph shows dimensions under which nothing is emitted."
  }

  assert {
    condition = anytrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : try(widget.properties.metrics[0][0].expression, "") ==
      "SEARCH('{\"CrossPartitionInference\",service,operation,outcome} service=\"cross-partition-test-router\" MetricName=\"Requests\"', 'Sum', 300)"
    ])
    error_message = "Requests must be shown by operation and outcome."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      widget.type == "alarm" ? length(widget.properties.alarms) == 16 : widget.properties.region == "us-gov-west-1" && length(widget.properties.metrics) > 0
    ])
    error_message = "The dashboard must show every alarm, and metrics of its own region."
  }

  # 24 columns, and nothing on top of anything else.
  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.x + widget.width <= 24
      ]) && length(distinct([
        for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x} ${widget.y}"
    ])) == length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets)
    error_message = "Widgets must not overlap or leave the grid."
  }
}

run "inputs_reach_alarms_and_graphs" {
  command = plan

  providers = { aws = aws.east }

  variables {
    service_name           = "renamed"
    metrics_namespace      = "Agency/Inference"
    stage_name             = "v2"
    watch_interval_minutes = 10
    thresholds             = { minimum_requests = 50, error_rate_percent = 1, credential_expiry_days = 0.125 }
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.metric["watch"].namespace == "Agency/Inference" &&
      aws_cloudwatch_metric_alarm.metric["watch"].dimensions == tomap({ service = "renamed" }) &&
      aws_cloudwatch_metric_alarm.metric["watch"].period == 1800 &&
      aws_cloudwatch_metric_alarm.metric["credential-expiry"].threshold == 0.125 &&
      aws_cloudwatch_metric_alarm.metric["function-errors"].dimensions == tomap({ FunctionName = "cross-partition-test-router" }) &&
      aws_cloudwatch_metric_alarm.expression["error-rate"].threshold == 1 &&
      strcontains(jsonencode(aws_cloudwatch_metric_alarm.expression["error-rate"].metric_query), "50, 100 * errors") &&
      strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "{\\\"Agency/Inference\\\",service,operation,outcome} service=\\\"renamed\\\"")
    )
    error_message = "Namespace, service, interval and thresholds must reach the alarms and the dashboard."
  }

  assert {
    condition = (
      strcontains(aws_sns_topic_policy.alarms.policy, "arn:aws-us-gov:cloudwatch:us-gov-east-1:123456789012:alarm:cross-partition-test-*") &&
      strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "us-gov-east-1") && strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "\"v2\"")
    )
    error_message = "Policy and dashboard must follow the provider's region, and the stage its variable."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    name                   = "7 alarms"
    function_name          = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:router"
    service_name           = ""
    metrics_namespace      = "no spaces"
    api_name               = ""
    stage_name             = "v1/*"
    audit_table_name       = "no"
    kms_key_arn            = "alias/key"
    notification_emails    = ["operators"]
    thresholds             = { p99_latency_ms = 0 }
    watch_interval_minutes = 90
  }

  expect_failures = [
    var.name, var.function_name, var.service_name, var.metrics_namespace, var.api_name, var.stage_name,
    var.audit_table_name, var.kms_key_arn, var.notification_emails, var.thresholds, var.watch_interval_minutes,
  ]
}

run "an_error_rate_that_cannot_be_exceeded_is_refused" {
  command = plan

  variables {
    metrics_namespace      = "AWS/Lambda"
    thresholds             = { error_rate_percent = 100 }
    watch_interval_minutes = 2.5
  }

  expect_failures = [var.metrics_namespace, var.thresholds, var.watch_interval_minutes]
}
