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

# What AWS would answer, so that names and policies are whole at plan time.
override_resource {
  target          = aws_api_gateway_rest_api.this
  override_during = plan
  values = {
    id            = "abc123"
    execution_arn = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123"
  }
}

override_resource {
  target          = aws_wafv2_web_acl.this
  override_during = plan
  values          = { arn = "arn:aws-us-gov:wafv2:us-gov-west-1:123456789012:regional/webacl/cross-partition-test/1" }
}

variables {
  name               = "cross-partition-test"
  function_alias_arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:live"
  kms_key_arn        = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

# One plan for everything that can be seen in one: each run costs seconds.
run "the_api" {
  command = plan

  variables {
    integration_timeout_seconds = 60
    throttling = {
      rate_per_second = 5
      routes          = { "POST /model/{modelId}/invoke" = { rate_per_second = 2.5, burst = 3 } }
    }
  }

  # Every operation reaches the router.

  assert {
    condition = alltrue(flatten([
      for path, operations in jsondecode(output.document).paths : [
        for method, operation in operations :
        operation.x-amazon-apigateway-integration.type == "aws_proxy" &&
        operation.x-amazon-apigateway-integration.timeoutInMillis == 60000 &&
        operation.x-amazon-apigateway-integration.uri == "arn:aws-us-gov:apigateway:us-gov-west-1:lambda:path/2015-03-31/functions/${var.function_alias_arn}/invocations"
        if method != "options"
      ]
    ]))
    error_message = "An operation does not invoke the alias through the GovCloud integration URI."
  }

  assert {
    condition     = keys(jsondecode(output.document).paths["/{proxy+}"]) == ["x-amazon-apigateway-any-method"]
    error_message = "Unknown paths must reach the router whatever their method."
  }

  assert {
    condition = toset([for path, operations in jsondecode(output.document).paths : path if path != "/{proxy+}"]) == toset([
      "/anthropic/v1/messages", "/async-invoke", "/async-invoke/{invocationArn}", "/bedrock/explain", "/bedrock/invoke-model",
      "/bedrock/models", "/bedrock/models/{modelId}", "/dashboard/requests", "/dashboard/requests/{requestId}", "/dashboard/usage",
      "/foundation-model-availability/{modelId}", "/foundation-models", "/foundation-models/{modelIdentifier}", "/guardrail-checks/invoke",
      "/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply", "/health", "/inference-profiles",
      "/inference-profiles/{inferenceProfileIdentifier}", "/model/{modelId}/converse", "/model/{modelId}/converse-stream",
      "/model/{modelId}/count-tokens", "/model/{modelId}/invoke", "/model/{modelId}/invoke-with-bidirectional-stream",
      "/model/{modelId}/invoke-with-response-stream", "/openai/v1/chat/completions", "/openai/v1/responses",
    ])
    error_message = "The contract's paths changed."
  }

  assert {
    condition     = jsondecode(output.document)["x-amazon-apigateway-binary-media-types"] == ["*/*"]
    error_message = "Bodies must pass as bytes."
  }

  assert {
    condition = (
      aws_api_gateway_rest_api.this.endpoint_configuration[0].types == tolist(["REGIONAL"]) &&
      !aws_api_gateway_rest_api.this.disable_execute_api_endpoint
    )
    error_message = "By default the API is regional: GovCloud has no edge-optimized ones."
  }

  # Only preflight requests are unsigned.

  assert {
    condition     = jsondecode(output.document).components.securitySchemes.sigv4["x-amazon-apigateway-authtype"] == "awsSigv4"
    error_message = "The scheme must be SigV4."
  }

  assert {
    condition = alltrue(flatten([
      for path, operations in jsondecode(output.document).paths : [
        for method, operation in operations : method == "options" ? operation.security == [] : operation.security == [{ sigv4 = [] }]
      ]
    ]))
    error_message = "Every operation but OPTIONS must demand SigV4 itself: the importer ignores the document's default."
  }

  assert {
    condition = alltrue([
      for path, operations in jsondecode(output.document).paths :
      operations.options.security == [] &&
      operations.options.x-amazon-apigateway-integration.type == "mock" &&
      operations.options.x-amazon-apigateway-integration.contentHandling == "CONVERT_TO_TEXT" &&
      operations.options.x-amazon-apigateway-integration.responses.default.responseParameters["method.response.header.Access-Control-Allow-Origin"] == "'*'"
      if path != "/{proxy+}"
    ])
    error_message = "Every explicit path must answer a preflight request without the router."
  }

  # API Gateway's own errors have the router's envelope, and the message where an AWS SDK looks for it.

  assert {
    condition = alltrue([
      for type, response in jsondecode(output.document)["x-amazon-apigateway-gateway-responses"] :
      jsondecode(replace(response.responseTemplates["application/json"], "$context.error.messageString", "\"m\"")) == {
        message = "m"
        error   = { code = local.gateway_errors[type].code, message = "m", requestId = "$context.requestId" }
      } &&
      response.responseParameters["gatewayresponse.header.X-Request-ID"] == "context.requestId"
    ])
    error_message = "A gateway response is not {message, error: {code, message, requestId}} with X-Request-ID."
  }

  assert {
    condition = {
      for type, response in jsondecode(output.document)["x-amazon-apigateway-gateway-responses"] :
      type => response.statusCode if can(response.statusCode)
      } == {
      ACCESS_DENIED                = "403"
      API_CONFIGURATION_ERROR      = "500"
      EXPIRED_TOKEN                = "403"
      INTEGRATION_FAILURE          = "502"
      INTEGRATION_TIMEOUT          = "504"
      INVALID_SIGNATURE            = "403"
      MISSING_AUTHENTICATION_TOKEN = "403"
      REQUEST_TOO_LARGE            = "413"
      RESOURCE_NOT_FOUND           = "404"
      THROTTLED                    = "429"
      WAF_FILTERED                 = "403"
    }
    error_message = "A status changed, or a default has one and would change the status of every other type."
  }

  # Nothing that was not asked for.

  assert {
    condition = (
      !can(jsondecode(output.document).servers) && output.custom_domain == null && output.web_acl_arn == null &&
      output.web_acl_log_group_name == null &&
      [for statement in jsondecode(output.resource_policy_json).Statement : statement.Sid] == ["AllowPreflight"]
    )
    error_message = "An API without limits has a policy for preflight requests only: IAM policies alone decide who may call it."
  }

  assert {
    condition     = jsonencode(output.operations) == jsonencode(sort(output.operations)) && contains(output.operations, "GET /dashboard/requests")
    error_message = "The output must name the operations as throttling.routes does."
  }

  assert {
    condition     = aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "Requests are traced by default."
  }

  # Logs hold no payload, and a limit of one route repeals nothing else of the stage's settings.

  assert {
    condition = alltrue([
      for limit in aws_api_gateway_method_settings.this :
      !limit.settings[0].data_trace_enabled && limit.settings[0].logging_level == "ERROR" &&
      limit.settings[0].metrics_enabled && !limit.settings[0].caching_enabled
    ])
    error_message = "API Gateway must log its own errors only, and cache nothing."
  }

  assert {
    condition = {
      for limit in aws_api_gateway_method_settings.this :
      limit.method_path => [limit.settings[0].throttling_rate_limit, limit.settings[0].throttling_burst_limit]
      } == {
      "*/*"                             = [5, 100]
      "~1model~1{modelId}~1invoke/POST" = [2.5, 3]
    }
    error_message = "The stage and the route must throttle, with the default for what is not given."
  }

  assert {
    condition     = alltrue([for value in values(jsondecode(local.access_log_format)) : can(regex("^\\$context\\.[A-Za-z.]+$", value))])
    error_message = "The access log may only hold context variables."
  }

  assert {
    condition = alltrue([
      for group in [aws_cloudwatch_log_group.access, aws_cloudwatch_log_group.execution] :
      group.kms_key_id == var.kms_key_arn && group.retention_in_days == 365
    ])
    error_message = "Both logs must be encrypted and expire."
  }

  assert {
    condition     = output.access_log_group_name == "/aws/apigateway/cross-partition-test" && output.execution_log_group_name == "API-Gateway-Execution-Logs_abc123/v1"
    error_message = "API Gateway writes its execution log to a group of this name and no other."
  }

  # The contract is free of wiring.

  assert {
    condition     = !strcontains(file("${path.module}/openapi.yaml"), "x-amazon-apigateway-integration")
    error_message = "openapi.yaml is read by tools that know nothing of AWS."
  }
}

run "a_private_api" {
  command = plan

  variables {
    endpoint = { type = "PRIVATE", vpc_endpoint_ids = ["vpce-0123456789abcdef0"] }
    access = {
      source_cidrs     = ["10.1.0.0/16"]
      vpc_endpoint_ids = ["vpce-aaaaaaaa"]
    }
  }

  assert {
    condition = (
      aws_api_gateway_rest_api.this.endpoint_configuration[0].types == tolist(["PRIVATE"]) &&
      aws_api_gateway_rest_api.this.endpoint_configuration[0].vpc_endpoint_ids == toset(["vpce-0123456789abcdef0"]) &&
      jsondecode(output.document).servers == [
        { url = "/", x-amazon-apigateway-endpoint-configuration = { vpcEndpointIds = ["vpce-0123456789abcdef0"] } }
      ]
    )
    error_message = "The import must not take the VPC endpoints away that the API has."
  }

  assert {
    condition = jsonencode(jsondecode(output.document).x-amazon-apigateway-policy) == output.resource_policy_json && jsondecode(output.resource_policy_json) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "AllowPreflight"
          Effect    = "Allow"
          Principal = "*"
          Action    = "execute-api:Invoke"
          Resource = [
            for path in [
              "anthropic/v1/messages", "async-invoke", "async-invoke/*", "bedrock/explain", "bedrock/invoke-model", "bedrock/models",
              "bedrock/models/*", "dashboard/requests", "dashboard/requests/*", "dashboard/usage", "foundation-model-availability/*",
              "foundation-models", "foundation-models/*", "guardrail-checks/invoke", "guardrail/*", "health", "inference-profiles", "inference-profiles/*", "model/*",
              "openai/v1/chat/completions", "openai/v1/responses",
            ] : "execute-api:/v1/OPTIONS/${path}"
          ]
        },
        {
          Sid       = "DelegateToThisAccount"
          Effect    = "Allow"
          Principal = { AWS = ["arn:aws-us-gov:iam::123456789012:root"] }
          Action    = "execute-api:Invoke"
          Resource  = ["execute-api:/v1/*"]
        },
        {
          Sid       = "DenyOtherAddresses"
          Effect    = "Deny"
          Principal = "*"
          Action    = "execute-api:Invoke"
          Resource  = ["execute-api:/v1/*"]
          Condition = { NotIpAddress = { "aws:VpcSourceIp" = ["10.1.0.0/16"] } }
        },
        {
          Sid       = "DenyOtherVpcEndpoints"
          Effect    = "Deny"
          Principal = "*"
          Action    = "execute-api:Invoke"
          Resource  = ["execute-api:/v1/*"]
          Condition = { StringNotEquals = { "aws:SourceVpce" = ["vpce-0123456789abcdef0", "vpce-aaaaaaaa"] } }
        },
      ]
    }
    error_message = "A private API must deny every other VPC endpoint and address, and leave the rest to this account's IAM policies."
  }

  assert {
    condition     = jsondecode(aws_api_gateway_rest_api_policy.this.policy) == jsondecode(replace(output.resource_policy_json, "execute-api:/", "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123/"))
    error_message = "The policy of the API must be the document's, with whole ARNs."
  }
}

run "other_accounts_addresses_a_domain_and_a_web_acl" {
  command = plan

  variables {
    stage_name      = "live"
    tracing_enabled = false
    access = {
      account_ids     = ["210987654321"]
      organization_id = "o-a1b2c3d4e5"
      source_cidrs    = ["198.51.100.0/24", "2001:db8::/32"]
    }
    domain = {
      name                     = "inference.example.gov"
      certificate_arn          = "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
      default_endpoint_enabled = false
      truststore               = { uri = "s3://bucket/truststore.pem", version = "1" }
    }
    waf = { requests_per_ip = 100 }
  }

  assert {
    condition = { for statement in jsondecode(output.resource_policy_json).Statement : statement.Sid => statement if statement.Sid != "AllowPreflight" } == {
      AllowAccounts = {
        Sid       = "AllowAccounts"
        Effect    = "Allow"
        Principal = { AWS = ["arn:aws-us-gov:iam::210987654321:root"] }
        Action    = "execute-api:Invoke"
        Resource  = [for resource in local.for_other_accounts : resource]
      }
      AllowOrganization = {
        Sid       = "AllowOrganization"
        Effect    = "Allow"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = [for resource in local.for_other_accounts : resource]
        Condition = {
          StringEquals    = { "aws:PrincipalOrgID" = ["o-a1b2c3d4e5"] }
          StringNotEquals = { "aws:PrincipalAccount" = ["123456789012"] }
        }
      }
      DenySteppingOut = {
        Sid       = "DenySteppingOut"
        Effect    = "Deny"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = ["execute-api:/live/*..*", "execute-api:/live/*%2e*", "execute-api:/live/*%2E*"]
      }
      DenyOtherAddresses = {
        Sid       = "DenyOtherAddresses"
        Effect    = "Deny"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = ["execute-api:/live/*"]
        Condition = { NotIpAddress = { "aws:SourceIp" = ["198.51.100.0/24", "2001:db8::/32"] } }
      }
    }
    error_message = "Other accounts are allowed, addresses are denied, and nothing names this account's own principals."
  }

  assert {
    condition = toset(local.for_other_accounts) == toset([
      for operation in [
        "GET/async-invoke", "GET/async-invoke/*", "GET/bedrock/invoke-model", "GET/bedrock/models", "GET/bedrock/models/*",
        "GET/foundation-model-availability/*", "GET/foundation-models", "GET/foundation-models/*", "GET/health",
        "GET/inference-profiles", "GET/inference-profiles/*", "POST/anthropic/v1/messages", "POST/async-invoke",
        "POST/bedrock/explain", "POST/bedrock/invoke-model", "POST/guardrail-checks/invoke", "POST/guardrail/*", "POST/model/*",
        "POST/openai/v1/chat/completions", "POST/openai/v1/responses",
      ] : "execute-api:/live/${operation}"
    ])
    error_message = "Other accounts get inference and discovery, not the audit trail."
  }

  assert {
    condition     = length(aws_api_gateway_rest_api_policy.this.policy) <= 8192
    error_message = "API Gateway takes 8192 characters of a resource policy."
  }

  assert {
    condition = (
      aws_api_gateway_rest_api.this.disable_execute_api_endpoint &&
      jsondecode(output.document).servers[0].x-amazon-apigateway-endpoint-configuration == { disableExecuteApiEndpoint = true } &&
      aws_api_gateway_domain_name.this[0].security_policy == "TLS_1_2" &&
      aws_api_gateway_domain_name.this[0].endpoint_configuration[0].types == tolist(["REGIONAL"]) &&
      one(aws_api_gateway_domain_name.this[0].mutual_tls_authentication) == { truststore_uri = "s3://bucket/truststore.pem", truststore_version = "1" } &&
      aws_api_gateway_base_path_mapping.this[0].base_path == null && aws_api_gateway_base_path_mapping.this[0].stage_name == "live" &&
      output.api_url == "https://inference.example.gov"
    )
    error_message = "The domain must be the only way in, with TLS 1.2, client certificates and the contract's own paths."
  }

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this[0].rule : !one(rule.visibility_config).sampled_requests_enabled && one(rule.visibility_config).cloudwatch_metrics_enabled
    ]) && !one(aws_wafv2_web_acl.this[0].visibility_config).sampled_requests_enabled
    error_message = "Samples hold signatures and session tokens."
  }

  assert {
    condition = {
      for rule in aws_wafv2_web_acl.this[0].rule : rule.name => try(rule.statement[0].managed_rule_group_statement[0].name, rule.statement[0].rate_based_statement[0].limit)
      } == {
      anonymous-ip     = "AWSManagedRulesAnonymousIpList"
      ip-reputation    = "AWSManagedRulesAmazonIpReputationList"
      known-bad-inputs = "AWSManagedRulesKnownBadInputsRuleSet"
      rate-per-ip      = 100
    }
    error_message = "The rules of the web ACL changed."
  }

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this[0].rule :
      rule.statement[0].managed_rule_group_statement[0].scope_down_statement[0].byte_match_statement[0].search_string == "GET" &&
      length(rule.statement[0].managed_rule_group_statement[0].scope_down_statement[0].byte_match_statement[0].field_to_match[0].method) == 1
      if rule.name == "known-bad-inputs"
    ])
    error_message = "A rule group that looks at bodies must not see a request that has one."
  }

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this[0].rule : [
        for override in rule.statement[0].managed_rule_group_statement[0].rule_action_override : override.name if length(override.action_to_use[0].count) == 1
      ] == ["HostingProviderIPList"] if rule.name == "anonymous-ip"
    ])
    error_message = "Workloads of other clouds are callers too: their addresses are counted, not blocked."
  }

  assert {
    condition = (
      aws_wafv2_web_acl_association.this[0].web_acl_arn == aws_wafv2_web_acl.this[0].arn && output.web_acl_arn == aws_wafv2_web_acl.this[0].arn &&
      output.web_acl_log_group_name == "aws-waf-logs-cross-partition-test" &&
      aws_cloudwatch_log_group.web_acl[0].kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.web_acl[0].retention_in_days == 365
    )
    error_message = "The stage must be associated with the web ACL, and its log encrypted."
  }

  assert {
    condition = toset(flatten([
      for field in aws_wafv2_web_acl_logging_configuration.this[0].redacted_fields : [for header in field.single_header : header.name]
    ])) == toset(["authorization", "x-amz-security-token"]) && sum([for field in aws_wafv2_web_acl_logging_configuration.this[0].redacted_fields : length(field.query_string)]) == 1
    error_message = "The log must not hold what signs a request."
  }

  assert {
    condition = one(jsondecode(aws_cloudwatch_log_resource_policy.web_acl[0].policy_document).Statement) == {
      Effect    = "Allow"
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Action    = ["logs:PutLogEvents", "logs:CreateLogStream"]
      Resource  = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:aws-waf-logs-cross-partition-test:*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:*" }
      }
    }
    error_message = "Only the delivery service may write the web ACL's log, for this account."
  }

  assert {
    condition     = !aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "Tracing must be possible to switch off."
  }
}

run "a_web_acl_that_exists" {
  command = plan

  variables {
    waf = { existing_web_acl = { arn = "arn:aws-us-gov:wafv2:us-gov-west-1:123456789012:regional/webacl/shared/11111111-2222-3333-4444-555555555555" } }
  }

  assert {
    condition = (
      aws_wafv2_web_acl_association.this[0].web_acl_arn == var.waf.existing_web_acl.arn && output.web_acl_arn == var.waf.existing_web_acl.arn &&
      length(aws_wafv2_web_acl.this) == 0 && length(aws_cloudwatch_log_group.web_acl) == 0
    )
    error_message = "An existing web ACL is associated, and nothing else is created."
  }
}

run "partition_and_region_are_not_fixed" {
  command = plan

  providers = { aws = aws.east }

  variables {
    endpoint = { type = "PRIVATE", vpc_endpoint_ids = ["vpce-0123456789abcdef0"] }
    waf      = { log_enabled = false }
  }

  assert {
    condition     = startswith(jsondecode(output.document).paths["/health"].get.x-amazon-apigateway-integration.uri, "arn:aws-us-gov:apigateway:us-gov-east-1:lambda:")
    error_message = "The integration URI must follow the provider's region."
  }

  assert {
    condition     = length(aws_cloudwatch_log_group.web_acl) == 0 && length(aws_cloudwatch_log_resource_policy.web_acl) == 0
    error_message = "The log of the web ACL must be possible to leave out."
  }
}

# Each run breaks one rule of each variable it expects to fail. The rules of `access` and `domain` that look at `endpoint`
# are only reached where that one is valid.

run "invalid_values_are_refused" {
  command = plan

  variables {
    name                        = "has space"
    function_alias_arn          = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:router"
    stage_name                  = "v/1"
    integration_timeout_seconds = 301
    throttling                  = { routes = { "GET /health" = { rate_per_second = 1, burst = 0.5 } } }
    log_retention_days          = 31
    kms_key_arn                 = "alias/key"
    access                      = { account_ids = ["123"] }
    domain                      = { name = "Inference", certificate_arn = "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/1" }
    waf                         = { existing_web_acl = { arn = "arn:aws-us-gov:wafv2:us-gov-west-1:123456789012:global/webacl/a/1" } }
  }

  expect_failures = [
    var.name, var.function_alias_arn, var.stage_name, var.integration_timeout_seconds,
    var.throttling, var.log_retention_days, var.kms_key_arn, var.access, var.domain, var.waf,
  ]
}

run "unknown_routes_and_organizations_and_wrong_certificates_and_limits_are_refused" {
  command = plan

  variables {
    throttling = { routes = { "POST /bedrock/models" = { rate_per_second = 1, burst = 1 } } }
    access     = { organization_id = "r-1234" }
    domain     = { name = "inference.example.gov", certificate_arn = "arn:aws-us-gov:iam::123456789012:server-certificate/a" }
    waf        = { requests_per_ip = 9 }
  }

  expect_failures = [var.throttling, var.access, var.domain, var.waf]
}

run "every_address_and_a_truststore_outside_s3_are_refused" {
  command = plan

  variables {
    access = { source_cidrs = ["0.0.0.0/0"] }
    domain = {
      name                     = "inference.example.gov"
      certificate_arn          = "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/1"
      default_endpoint_enabled = false
      truststore               = { uri = "https://bucket/truststore.pem" }
    }
  }

  expect_failures = [var.access, var.domain]
}

run "a_truststore_needs_the_domain_as_only_way_in_and_vpc_endpoints_a_private_api" {
  command = plan

  variables {
    access = { vpc_endpoint_ids = ["vpce-0123456789abcdef0"] }
    domain = { name = "inference.example.gov", certificate_arn = "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/1", truststore = { uri = "s3://bucket/truststore.pem" } }
  }

  expect_failures = [var.access, var.domain]
}

run "wrong_vpc_endpoints_and_a_domain_of_a_private_api_are_refused" {
  command = plan

  variables {
    endpoint = { type = "PRIVATE", vpc_endpoint_ids = ["vpce-0123456789abcdef0"] }
    access   = { vpc_endpoint_ids = ["vpc-0123456789abcdef0"] }
    domain   = { name = "inference.example.gov", certificate_arn = "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/1" }
  }

  expect_failures = [var.access, var.domain]
}

run "edge_optimized_is_refused" {
  command = plan

  variables {
    endpoint = { type = "EDGE" }
  }

  expect_failures = [var.endpoint]
}

run "ids_of_something_else_are_refused" {
  command = plan

  variables {
    endpoint = { type = "PRIVATE", vpc_endpoint_ids = ["vpc-0123456789abcdef0"] }
  }

  expect_failures = [var.endpoint]
}

run "a_private_api_needs_vpc_endpoints" {
  command = plan

  variables {
    endpoint = { type = "PRIVATE" }
  }

  expect_failures = [var.endpoint]
}

run "a_regional_api_has_no_vpc_endpoints" {
  command = plan

  variables {
    endpoint = { vpc_endpoint_ids = ["vpce-0123456789abcdef0"] }
  }

  expect_failures = [var.endpoint]
}
