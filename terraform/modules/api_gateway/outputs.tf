output "api_id" {
  description = "Id of the REST API."
  value       = aws_api_gateway_rest_api.this.id
}

output "api_url" {
  description = "Base URL of the API: the custom domain if there is one, otherwise the default endpoint, ending in the stage."
  value       = var.domain == null ? aws_api_gateway_stage.this.invoke_url : "https://${one(aws_api_gateway_base_path_mapping.this).domain_name}"
}

output "execution_arn" {
  description = "ARN that execute-api permissions are built on, without a stage."
  value       = aws_api_gateway_rest_api.this.execution_arn
}

output "stage_name" {
  description = "Name of the stage."
  value       = aws_api_gateway_stage.this.stage_name
}

output "stage_arn" {
  description = "ARN of the stage, to associate other things with it."
  value       = aws_api_gateway_stage.this.arn
}

output "access_log_group_name" {
  description = "Log group of the access log."
  value       = aws_cloudwatch_log_group.access.name
}

output "execution_log_group_name" {
  description = "Log group of the execution log: why API Gateway itself answered 5xx."
  value       = aws_cloudwatch_log_group.execution.name
}

output "web_acl_log_group_name" {
  description = "Log group of the web ACL this module created; null if there is none."
  value       = one(aws_cloudwatch_log_group.web_acl[*].name)
}

output "web_acl_arn" {
  description = "Web ACL in front of the stage; null if there is none."
  value       = one(aws_wafv2_web_acl_association.this[*].web_acl_arn)
}

output "custom_domain" {
  description = "Name of the custom domain, and the target and hosted zone of its alias record in DNS; null if there is none."
  value = one([
    for domain in aws_api_gateway_domain_name.this : {
      name    = domain.domain_name
      target  = domain.regional_domain_name
      zone_id = domain.regional_zone_id
    }
  ])
}

output "operations" {
  description = "Every operation of the contract, as throttling.routes names them."
  value       = keys(local.operations)
}

output "resource_policy_json" {
  description = "The resource policy as it is imported, with resources in the short form execute-api:/stage/METHOD/path."
  value       = jsonencode(local.resource_policy)
}

output "document" {
  description = "The OpenAPI document as API Gateway imports it (JSON)."
  value       = local.document
}
