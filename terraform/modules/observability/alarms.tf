# What is watched, one entry an alarm. `missing` is how missing data counts, with the reason beside it:
#   notBreaching  the metric is emitted when something happens, so silence is good
#   missing       the metric is emitted by a schedule, so silence means that nobody knows: INSUFFICIENT_DATA
locals {
  alarms = merge(local.archive_alarms, {
    audit-write-failures = {
      description = "Audit records could not be written: requests were refused, or an outcome is not on record."
      metric      = { source = "router", name = "AuditWriteFailures", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # emitted when it happens
    }
    denied-crossings = {
      description = "The policy denies crossings: somebody tries what is not allowed, or a rule is wrong."
      metric      = { source = "router", name = "DeniedCrossings", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = var.thresholds.denied_crossings
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # emitted when it happens
    }
    policy-failures = {
      description = "The router cannot read the boundary's policy or refuses it: the last good one stays, and new instances of the function deny everything."
      metric      = { source = "router", name = "PolicyFailures", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # emitted when it happens
    }
    limit-failures = {
      description = "Limits cannot be counted: requests were refused, or let through uncounted, as the policy says; or tokens were not added."
      metric      = { source = "router", name = "LimitFailures", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # emitted when it happens
    }
    guardrail-failures = {
      description = "The guardrail before egress cannot be asked: requests were refused."
      metric      = { source = "router", name = "GuardrailFailures", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # emitted when it happens
    }
    stale-credentials = {
      description = "The Commercial credential cannot be renewed: the one in memory serves on, as long as it lasts, and new instances of the function have none."
      metric      = { source = "router", name = "StaleCredentials", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.five_minutes
      periods     = 3
      datapoints  = 2
      missing     = "notBreaching" # emitted when it happens
    }
    abandoned-crossings = {
      description = "Audit records were closed without an outcome: the function ended first or could not write it, and what was sent may have been served."
      metric      = { source = "router", name = "AbandonedCrossings", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # silence of the reconciler is what stuck-crossings is for
    }
    stuck-crossings = {
      description = "Audit records are still STARTED although the reconciler should have closed them: it does not run, or cannot write."
      metric      = { source = "router", name = "StuckCrossings", statistic = "Maximum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.three_watches
      periods     = 1
      datapoints  = 1
      missing     = "missing" # the check does not run; the alarm `watch` says so
    }
    credential-expiry = {
      description = "The Commercial credential expires in less than ${var.thresholds.credential_expiry_days} days: store a new one."
      metric      = { source = "router", name = "CredentialDaysToExpiry", statistic = "Minimum" }
      comparison  = "LessThanThreshold"
      threshold   = var.thresholds.credential_expiry_days
      period      = local.three_watches
      periods     = 1
      datapoints  = 1
      missing     = "missing" # the secret names no expiry, or federation stores none: no notification of that
    }
    # The least of several runs: one that works is enough. Silence notifies as well, by the state INSUFFICIENT_DATA:
    # an alarm begins in it, so nothing is sent before the schedule is in service.
    watch = {
      description = "The scheduled check fails (ALARM) or does not run (INSUFFICIENT_DATA): nobody looks for stuck crossings and expiry."
      metric      = { source = "router", name = "WatchFailures", statistic = "Minimum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = local.three_watches
      periods     = 1
      datapoints  = 1
      missing     = "missing" # emitted by every check
    }
    function-errors = {
      description = "The function crashed, ran out of time or memory, got what its alias is not for, or a batch for the archive, the reconciler or the usage's figures failed."
      metric      = { source = "function", name = "Errors", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = var.thresholds.function_errors
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # no invocations
    }
    function-throttles = {
      description = "Lambda refuses invocations: the concurrency of the function or of the account is used up."
      metric      = { source = "function", name = "Throttles", statistic = "Sum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = var.thresholds.function_throttles
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # no invocations
    }
  })

  # Only where there is an archive. The scheduled check sees records that wait for it, also where Lambda delivers none; Lambda
  # sees the age of what it delivers, also where one shard of the stream waits and the others do not.
  archive_alarms = !var.audit_archive_enabled ? {} : {
    archive-lag = {
      description = "Audit records have waited for the archive for more than an hour: their stream does not arrive, or every batch fails. After a day it forgets them."
      metric      = { source = "router", name = "ArchiveLagSeconds", statistic = "Maximum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 3600
      period      = local.three_watches
      periods     = 1
      datapoints  = 1
      missing     = "missing" # the check does not run; the alarm `watch` says so
    }
    # The function reads one stream, so its iterator's age is that of the archive's batches.
    archive-batch-age = {
      description = "What Lambda delivers to the audit archive is more than an hour old: batches fail, and after a day DynamoDB forgets what was not archived."
      metric      = { source = "function", name = "IteratorAge", statistic = "Maximum" }
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 3600000
      period      = local.five_minutes
      periods     = 1
      datapoints  = 1
      missing     = "notBreaching" # no changes, no batches
    }
  }

  # Alarms on a number that CloudWatch computes from several metrics.
  expression_alarms = {
    error-rate = {
      description = "More than ${var.thresholds.error_rate_percent} % of the answers are 5xx, the router's or Bedrock's."
      expression  = "IF(requests >= ${var.thresholds.minimum_requests}, 100 * errors / requests, 0)"
      metrics = {
        requests = { source = "router", name = "Requests", statistic = "Sum" }
        errors   = { source = "router", name = "ServerErrors", statistic = "Sum" }
      }
      comparison = "GreaterThanThreshold"
      threshold  = var.thresholds.error_rate_percent
      periods    = 3
      datapoints = 2
      missing    = "notBreaching" # no requests
    }
    # Not a plain percentile alarm: CloudWatch would decide by few samples, or by none below a thousand.
    latency-p99 = {
      description = "One request in a hundred takes longer than ${var.thresholds.p99_latency_ms} ms; Bedrock's time is part of it."
      expression  = "IF(requests >= ${var.thresholds.minimum_requests}, p99, 0)"
      metrics = {
        requests = { source = "router", name = "Requests", statistic = "Sum" }
        p99      = { source = "router", name = "Latency", statistic = "p99" }
      }
      comparison = "GreaterThanThreshold"
      threshold  = var.thresholds.p99_latency_ms
      periods    = 3
      datapoints = 3
      missing    = "notBreaching" # no requests
    }
    api-error-rate = {
      description = "More than ${var.thresholds.error_rate_percent} % of the API's answers are 5xx; if error-rate is silent, the router is not reached."
      expression  = "IF(requests >= ${var.thresholds.minimum_requests}, 100 * errors / requests, 0)"
      metrics = {
        requests = { source = "api", name = "Count", statistic = "SampleCount" }
        errors   = { source = "api", name = "5XXError", statistic = "Sum" }
      }
      comparison = "GreaterThanThreshold"
      threshold  = var.thresholds.error_rate_percent
      periods    = 3
      datapoints = 2
      missing    = "notBreaching" # no requests
    }
    # DynamoDB emits the metric only with a throttle, and alarms on its namespace ignore missing data whatever they ask for:
    # once in ALARM they would stay there. FILL brings the zeros.
    audit-table-throttles = {
      description = "DynamoDB throttles the audit table: requests become slow, then they are refused."
      expression  = "FILL(SUM(METRICS()), 0)"
      metrics = {
        put    = { source = "table_put", name = "ThrottledRequests", statistic = "Sum" }
        update = { source = "table_update", name = "ThrottledRequests", statistic = "Sum" }
        query  = { source = "table_query", name = "ThrottledRequests", statistic = "Sum" }
        get    = { source = "table_get", name = "ThrottledRequests", statistic = "Sum" }
      }
      comparison = "GreaterThanOrEqualToThreshold"
      threshold  = var.thresholds.audit_table_throttles
      periods    = 3
      datapoints = 2
      missing    = "notBreaching" # never throttled so far
    }
  }

  five_minutes  = 300
  three_watches = 3 * 60 * var.watch_interval_minutes

  notify = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "metric" {
  for_each = local.alarms

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description

  namespace   = local.sources[each.value.metric.source].namespace
  metric_name = each.value.metric.name
  dimensions  = local.sources[each.value.metric.source].dimensions
  period      = each.value.period
  statistic   = each.value.metric.statistic

  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  treat_missing_data  = each.value.missing

  alarm_actions             = local.notify
  ok_actions                = local.notify
  insufficient_data_actions = each.key == "watch" ? local.notify : []
}

resource "aws_cloudwatch_metric_alarm" "expression" {
  for_each = local.expression_alarms

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description

  metric_query {
    id          = "result"
    label       = each.key
    expression  = each.value.expression
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = local.sources[metric_query.value.source].namespace
        metric_name = metric_query.value.name
        dimensions  = local.sources[metric_query.value.source].dimensions
        period      = local.five_minutes
        stat        = metric_query.value.statistic
      }
    }
  }

  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  treat_missing_data  = each.value.missing

  alarm_actions = local.notify
  ok_actions    = local.notify
}
