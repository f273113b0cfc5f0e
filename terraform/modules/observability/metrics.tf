# Where metrics come from. CloudWatch adds nothing up over dimensions: an alarm sees a metric only under exactly the
# dimensions it was emitted with. tests/unit/test_metrics.py compares every `source = "router"` of this module with
# what the router emits.
locals {
  sources = {
    router   = { namespace = var.metrics_namespace, dimensions = { service = local.service_name } }
    function = { namespace = "AWS/Lambda", dimensions = { FunctionName = var.function_name } }
    api      = { namespace = "AWS/ApiGateway", dimensions = { ApiName = var.api_name, Stage = var.stage_name } }

    # DynamoDB counts throttled requests by operation; these four are what the router does.
    table_put    = { namespace = "AWS/DynamoDB", dimensions = { TableName = var.audit_table_name, Operation = "PutItem" } }
    table_update = { namespace = "AWS/DynamoDB", dimensions = { TableName = var.audit_table_name, Operation = "UpdateItem" } }
    table_query  = { namespace = "AWS/DynamoDB", dimensions = { TableName = var.audit_table_name, Operation = "Query" } }
    table_get    = { namespace = "AWS/DynamoDB", dimensions = { TableName = var.audit_table_name, Operation = "BatchGetItem" } }
  }

  service_name = coalesce(var.service_name, var.function_name)
}
