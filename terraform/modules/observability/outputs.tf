locals {
  alarm_arns = {
    for key, alarm in merge(aws_cloudwatch_metric_alarm.metric, aws_cloudwatch_metric_alarm.expression) : key => alarm.arn
  }
}

output "topic_arn" {
  description = "ARN of the topic that every alarm notifies."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_arns" {
  description = "ARNs of the alarms by their short names, such as `error-rate`."
  value       = local.alarm_arns
}

output "alarm_names" {
  description = "Full names of the alarms by their short names."
  value = {
    for key, alarm in merge(aws_cloudwatch_metric_alarm.metric, aws_cloudwatch_metric_alarm.expression) : key => alarm.alarm_name
  }
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
