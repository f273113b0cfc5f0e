locals {
  is_private               = var.endpoint.type == "PRIVATE"
  default_endpoint_enabled = var.domain == null ? true : var.domain.default_endpoint_enabled

  endpoint_configuration = merge(
    local.is_private ? { vpcEndpointIds = var.endpoint.vpc_endpoint_ids } : {},
    local.default_endpoint_enabled ? {} : { disableExecuteApiEndpoint = true },
  )
}

resource "aws_api_gateway_rest_api" "this" {
  name                         = var.name
  body                         = local.document
  put_rest_api_mode            = "overwrite"
  disable_execute_api_endpoint = !local.default_endpoint_enabled

  # GovCloud has no edge-optimized APIs.
  endpoint_configuration {
    types            = local.is_private ? ["PRIVATE"] : ["REGIONAL"]
    vpc_endpoint_ids = local.is_private ? var.endpoint.vpc_endpoint_ids : null
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  triggers    = { document = sha1(local.document) }

  depends_on = [aws_api_gateway_rest_api_policy.this]

  lifecycle {
    create_before_destroy = true
  }
}
