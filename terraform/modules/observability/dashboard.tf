# One view of everything an alarm can point to. Rows are read from top to bottom: what callers see, what crosses, what runs.
locals {
  graphs = concat([
    {
      title = "Requests"
      metrics = [
        { source = "router", name = "Requests", statistic = "Sum", label = "requests" },
        { source = "router", name = "ServerErrors", statistic = "Sum", label = "5xx answers" },
      ]
    },
    {
      title = "Error rate (share of 1)"
      metrics = [
        { source = "router", name = "ServerErrors", statistic = "Average", label = "router" },
        { source = "api", name = "5XXError", statistic = "Average", label = "API Gateway" },
      ]
    },
    {
      title = "Latency of the router (ms)"
      metrics = [
        for percentile in ["p50", "p90", "p99"] :
        { source = "router", name = "Latency", statistic = percentile, label = percentile }
      ]
    },
    {
      title = "Crossings that need a look"
      metrics = [
        { source = "router", name = "DeniedCrossings", statistic = "Sum", label = "denied" },
        { source = "router", name = "AuditWriteFailures", statistic = "Sum", label = "audit write failures" },
        { source = "router", name = "AbandonedCrossings", statistic = "Sum", label = "without an outcome" },
        { source = "router", name = "StuckCrossings", statistic = "Maximum", label = "stuck" },
      ]
    },
    {
      title = "The boundary"
      metrics = [
        { source = "router", name = "LimitedRequests", statistic = "Sum", label = "over a limit" },
        { source = "router", name = "MarkingsFound", statistic = "Sum", label = "with a marking" },
      ]
    },
    {
      title = "The boundary: what fails"
      metrics = [
        { source = "router", name = "PolicyFailures", statistic = "Sum", label = "policy" },
        { source = "router", name = "LimitFailures", statistic = "Sum", label = "limits" },
        { source = "router", name = "GuardrailFailures", statistic = "Sum", label = "guardrail" },
      ]
    },
    {
      title = "Latency of the guardrail before egress (ms)"
      metrics = [
        for percentile in ["p50", "p99"] :
        { source = "router", name = "GuardrailLatency", statistic = percentile, label = percentile }
      ]
    },
    {
      title = "Tokens"
      metrics = [
        { source = "router", name = "InputTokens", statistic = "Sum", label = "input" },
        { source = "router", name = "OutputTokens", statistic = "Sum", label = "output" },
      ]
    },
    {
      title = "Dependencies"
      metrics = [
        { source = "router", name = "StaleCredentials", statistic = "Sum", label = "stale credential used" },
        { source = "router", name = "DiscoveryFailures", statistic = "Sum", label = "model lists not read" },
        { source = "router", name = "ApplicationProfileFailures", statistic = "Sum", label = "application profiles not created" },
        { source = "router", name = "WatchFailures", statistic = "Sum", label = "scheduled checks failed" },
      ]
    },
    {
      title = "Days until the stored credential expires"
      metrics = [
        { source = "router", name = "CredentialDaysToExpiry", statistic = "Minimum", label = "days" },
      ]
    },
    {
      title = "API Gateway"
      metrics = [
        { source = "api", name = "Count", statistic = "SampleCount", label = "requests" },
        { source = "api", name = "4XXError", statistic = "Sum", label = "4xx, throttled included" },
        { source = "api", name = "5XXError", statistic = "Sum", label = "5xx" },
      ]
    },
    {
      title = "API Gateway latency (ms)"
      metrics = [
        { source = "api", name = "Latency", statistic = "p99", label = "p99" },
        { source = "api", name = "IntegrationLatency", statistic = "p99", label = "p99 of the function" },
      ]
    },
    {
      title = "Lambda"
      metrics = [
        { source = "function", name = "Invocations", statistic = "Sum", label = "invocations" },
        { source = "function", name = "Errors", statistic = "Sum", label = "errors" },
        { source = "function", name = "Throttles", statistic = "Sum", label = "throttles" },
        { source = "function", name = "ConcurrentExecutions", statistic = "Maximum", label = "concurrent" },
      ]
    },
    {
      title = "Lambda duration (ms)"
      metrics = [
        for percentile in ["p50", "p99"] :
        { source = "function", name = "Duration", statistic = percentile, label = percentile }
      ]
    },
    {
      title = "Audit table: throttled requests"
      metrics = [
        { source = "table_put", name = "ThrottledRequests", statistic = "Sum", label = "put" },
        { source = "table_update", name = "ThrottledRequests", statistic = "Sum", label = "update" },
        { source = "table_query", name = "ThrottledRequests", statistic = "Sum", label = "query" },
        { source = "table_get", name = "ThrottledRequests", statistic = "Sum", label = "read by key" },
      ]
    },
  ], local.archive_graphs)

  archive_graphs = !var.audit_archive_enabled ? [] : [
    {
      title = "How far the audit archive is behind (ms)"
      metrics = [
        { source = "function", name = "IteratorAge", statistic = "Maximum", label = "age of what a batch brings" },
      ]
    },
  ]

  graph_widgets = [
    for index, graph in local.graphs : {
      type   = "metric"
      x      = 8 * (index % 3)
      y      = 8 + 6 * floor(index / 3)
      width  = 8
      height = 6
      properties = {
        title  = graph.title
        region = local.region
        view   = "timeSeries"
        period = local.five_minutes
        metrics = [
          for metric in graph.metrics : concat(
            [local.sources[metric.source].namespace, metric.name],
            flatten([for name, value in local.sources[metric.source].dimensions : [name, value]]),
            [{ stat = metric.statistic, label = metric.label }],
          )
        ]
      }
    }
  ]

  # The router emits the metrics of requests by these dimensions as well.
  requests_by_operation = join(" ", [
    "SEARCH('{\"${var.metrics_namespace}\",service,operation,outcome}",
    "service=\"${local.service_name}\" MetricName=\"Requests\"', 'Sum', ${local.five_minutes})",
  ])
}

resource "aws_cloudwatch_dashboard" "this" {
  # Dashboards belong to no region, so the name carries it.
  dashboard_name = "${var.name}-${local.region}"

  dashboard_body = jsonencode({
    widgets = concat(
      [
        {
          type   = "alarm"
          x      = 0
          y      = 0
          width  = 12
          height = 8
          properties = {
            title  = "Alarms"
            alarms = values(local.alarm_arns)
          }
        },
        {
          type   = "metric"
          x      = 12
          y      = 0
          width  = 12
          height = 8
          properties = {
            title   = "Requests by operation and outcome"
            region  = local.region
            view    = "timeSeries"
            stacked = true
            period  = local.five_minutes
            metrics = [[{ expression = local.requests_by_operation }]]
          }
        },
      ],
      local.graph_widgets,
    )
  })
}
