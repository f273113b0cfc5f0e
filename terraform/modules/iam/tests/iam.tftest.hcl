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

variables {
  function_name     = "cross-partition-test-router"
  audit_table_arn   = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests"
  audit_index_arns  = ["arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/index/by-time"]
  usage_table_arn   = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/usage"
  policy_table_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/policy"
  limits_table_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/limits"
  stored_credential = { secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:creds-AbCdEf" }
  kms_key_arn       = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  api_execution_arn = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123"
}

run "the_policies_allow_exactly_this" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.execution.policy).Statement == [
      {
        Sid      = "WriteOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:PutLogEvents", "logs:CreateLogStream"]
        Resource = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/lambda/cross-partition-test-router:*"
      },
      {
        Sid      = "WriteAuditTrail"
        Effect   = "Allow"
        Action   = ["dynamodb:UpdateItem", "dynamodb:PutItem"]
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests"
      },
      {
        Sid    = "FindRecords"
        Effect = "Allow"
        Action = "dynamodb:Query"
        Resource = [
          "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/index/by-time",
          "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests",
        ]
      },
      {
        Sid      = "ReadRecords"
        Effect   = "Allow"
        Action   = "dynamodb:BatchGetItem"
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests"
      },
      {
        Sid      = "SumUpUsage"
        Effect   = "Allow"
        Action   = ["dynamodb:Query", "dynamodb:PutItem"]
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/usage"
      },
      {
        Sid      = "ReadPolicy"
        Effect   = "Allow"
        Action   = "dynamodb:GetItem"
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/policy"
      },
      {
        Sid      = "CountForLimits"
        Effect   = "Allow"
        Action   = ["dynamodb:UpdateItem", "dynamodb:GetItem"]
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/limits"
      },
      {
        Sid      = "ReadCommercialCredential"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:creds-AbCdEf"
      },
      {
        Sid      = "DecryptThroughServices"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["dynamodb.us-gov-west-1.amazonaws.com", "lambda.us-gov-west-1.amazonaws.com", "secretsmanager.us-gov-west-1.amazonaws.com"]
          }
        }
      },
    ]
    error_message = "The execution policy changed: every action and resource of it is listed here on purpose."
  }

  assert {
    condition     = one(jsondecode(aws_iam_role.execution.assume_role_policy).Statement).Principal == { Service = "lambda.amazonaws.com" }
    error_message = "Only Lambda may take the role."
  }

  assert {
    condition     = aws_iam_role.execution.name == "cross-partition-test-router-us-gov-west-1"
    error_message = "The role's name must hold the region: IAM is global in an account."
  }

  assert {
    condition = one(jsondecode(output.caller_policy_json).Statement) == {
      Sid      = "CallCrossPartitionInference"
      Effect   = "Allow"
      Action   = "execute-api:Invoke"
      Resource = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123/v1/*"
    }
    error_message = "The caller policy must allow execute-api:Invoke on this stage and nothing else."
  }

  assert {
    condition     = keys(output.policies_json) == ["audit", "invoke-all", "operate", "read-dashboard"] && length(output.policy_arns) == 0
    error_message = "By default the policies are documents only, and there is none for single models."
  }

  # Everything of it is listed where there is an archive, below.
  assert {
    condition = [for statement in jsondecode(output.policies_json["audit"]).Statement : "${statement.Sid} ${jsonencode(statement.Action)}"] == [
      "ReadDashboard \"execute-api:Invoke\"", "FindRecords \"dynamodb:Query\"", "ReadRecords \"dynamodb:BatchGetItem\"", "DecryptThroughServices \"kms:Decrypt\"",
    ]
    error_message = "Without an archive, an auditor has nothing to do with S3."
  }

  assert {
    condition     = aws_iam_role.execution.permissions_boundary == null
    error_message = "By default the role has no boundary."
  }
}

run "policies_for_callers_and_operators" {
  command = plan

  variables {
    create_caller_policies = true
    task_alias_name        = "tasks"
    model_policies = {
      one-model = ["amazon.nova-lite-v1:0"]
      patterns  = ["us.anthropic.*", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"]
    }
    operator_access = {
      log_group_names = ["/aws/apigateway/cross-partition-test", "API-Gateway-Execution-Logs_abc123/v1"]
      alarm_names     = ["cross-partition-test-errors"]
      dashboard_names = ["cross-partition-test"]
    }
  }

  assert {
    condition     = local.stage_arn == "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123/v1"
    error_message = "STAGE below is the stage of the API."
  }

  assert {
    condition = jsondecode(replace(output.policies_json["invoke-models-one-model"], local.stage_arn, "STAGE")) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "InvokeModels"
          Effect   = "Allow"
          Action   = "execute-api:Invoke"
          Resource = ["STAGE/POST/model/amazon.nova-lite-v1:0/*", "STAGE/POST/model/amazon.nova-lite-v1%3A0/*"]
        },
        {
          Sid    = "DiscoverModels"
          Effect = "Allow"
          Action = "execute-api:Invoke"
          Resource = [
            "STAGE/POST/bedrock/explain", "STAGE/GET/inference-profiles/*", "STAGE/GET/inference-profiles", "STAGE/GET/health",
            "STAGE/GET/foundation-models/*", "STAGE/GET/foundation-models", "STAGE/GET/foundation-model-availability/*",
            "STAGE/GET/bedrock/models/*", "STAGE/GET/bedrock/models",
          ]
        },
        {
          Sid      = "DenySteppingOut"
          Effect   = "Deny"
          Action   = "execute-api:Invoke"
          Resource = ["STAGE/*..*", "STAGE/*%2e*", "STAGE/*%2E*"]
        },
      ]
    }
    error_message = "A policy for one model must allow every operation on its path, in both spellings, and neither another model nor a model in a body nor the dashboard."
  }

  assert {
    condition = toset(jsondecode(replace(output.policies_json["invoke-models-patterns"], local.stage_arn, "STAGE")).Statement[0].Resource) == toset([
      "STAGE/POST/model/us.anthropic.*/*",
      "STAGE/POST/model/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123/*",
      "STAGE/POST/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/*",
      "STAGE/POST/model/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile%2Fabc123/*",
    ])
    error_message = "Patterns and ARNs must become paths."
  }

  assert {
    condition = jsondecode(replace(output.policies_json["invoke-all"], local.stage_arn, "STAGE")).Statement == [
      {
        Sid    = "InvokeAnyModel"
        Effect = "Allow"
        Action = "execute-api:Invoke"
        Resource = [
          "STAGE/POST/openai/*", "STAGE/POST/model/*", "STAGE/POST/guardrail/*", "STAGE/POST/guardrail-checks/invoke",
          "STAGE/POST/bedrock/invoke-model", "STAGE/POST/bedrock/explain", "STAGE/POST/async-invoke", "STAGE/POST/anthropic/*",
          "STAGE/GET/inference-profiles/*", "STAGE/GET/inference-profiles", "STAGE/GET/health", "STAGE/GET/foundation-models/*", "STAGE/GET/foundation-models",
          "STAGE/GET/foundation-model-availability/*", "STAGE/GET/bedrock/models/*", "STAGE/GET/bedrock/models",
          "STAGE/GET/bedrock/invoke-model", "STAGE/GET/async-invoke/*", "STAGE/GET/async-invoke",
        ]
      },
      {
        Sid      = "DenySteppingOut"
        Effect   = "Deny"
        Action   = "execute-api:Invoke"
        Resource = ["STAGE/*..*", "STAGE/*%2e*", "STAGE/*%2E*"]
      },
    ]
    error_message = "The policy for every model must allow inference and discovery only."
  }

  assert {
    condition     = one(jsondecode(output.policies_json["read-dashboard"]).Statement).Resource == "${local.stage_arn}/GET/dashboard/*"
    error_message = "Calling models and reading the audit trail are separate permissions."
  }

  assert {
    condition = jsondecode(replace(output.policies_json["operate"], local.stage_arn, "STAGE")).Statement == [
      {
        Sid      = "ReadAuditTrailAndHealth"
        Effect   = "Allow"
        Action   = "execute-api:Invoke"
        Resource = ["STAGE/GET/health", "STAGE/GET/dashboard/*"]
      },
      {
        Sid    = "ReadLogs"
        Effect = "Allow"
        Action = ["logs:GetLogEvents", "logs:FilterLogEvents", "logs:DescribeLogStreams"]
        Resource = [
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:API-Gateway-Execution-Logs_abc123/v1:*",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:API-Gateway-Execution-Logs_abc123/v1",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/lambda/cross-partition-test-router:*",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/lambda/cross-partition-test-router",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/apigateway/cross-partition-test:*",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/apigateway/cross-partition-test",
        ]
      },
      {
        Sid      = "ReadAlarms"
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"]
        Resource = "arn:aws-us-gov:cloudwatch:us-gov-west-1:123456789012:alarm:cross-partition-test-errors"
      },
      {
        Sid      = "ReadDashboards"
        Effect   = "Allow"
        Action   = "cloudwatch:GetDashboard"
        Resource = "arn:aws-us-gov:cloudwatch::123456789012:dashboard/cross-partition-test"
      },
      {
        Sid      = "DescribeAuditTable"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests"
      },
      {
        Sid      = "PutCommercialCredential"
        Effect   = "Allow"
        Action   = ["secretsmanager:UpdateSecretVersionStage", "secretsmanager:PutSecretValue", "secretsmanager:ListSecretVersionIds", "secretsmanager:DescribeSecret"]
        Resource = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:creds-AbCdEf"
      },
      {
        Sid      = "EncryptCommercialCredential"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:SecretARN" = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:creds-AbCdEf"
            "kms:ViaService"                  = "secretsmanager.us-gov-west-1.amazonaws.com"
          }
        }
      },
      {
        Sid      = "ProveCommercialCredential"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:tasks"
      },
      {
        Sid    = "ReadRouterSettings"
        Effect = "Allow"
        Action = "lambda:GetFunctionConfiguration"
        Resource = [
          "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:tasks",
          "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router",
        ]
      },
      {
        Sid      = "DecryptRouterSettings"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
        Condition = {
          StringEquals = { "kms:ViaService" = "lambda.us-gov-west-1.amazonaws.com" }
          StringLike = {
            "kms:EncryptionContext:aws:lambda:FunctionArn" = [
              "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router",
              "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:*",
            ]
          }
        }
      },
    ]
    error_message = "The operator's policy changed: every action and resource of it is listed here on purpose."
  }

  assert {
    condition = { for name, policy in aws_iam_policy.caller : name => policy.name } == {
      for name in ["audit", "invoke-all", "invoke-models-one-model", "invoke-models-patterns", "operate", "read-dashboard"] :
      name => "cross-partition-test-router-us-gov-west-1-${name}"
    }
    error_message = "Each policy must exist, under a name that holds the region."
  }
}

run "an_archive_is_written_and_verified_by_exactly_this" {
  command = plan

  variables {
    audit_archive = {
      stream_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/2026-11-22T00:00:00.000"
      bucket_arn  = "arn:aws-us-gov:s3:::cross-partition-test-audit-123456789012-us-gov-west-1"
      table_arn   = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/audit-archive"
      kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"
    }
  }

  assert {
    condition = slice(jsondecode(aws_iam_role_policy.execution.policy).Statement, 8, 14) == [
      {
        Sid      = "ReadAuditStream"
        Effect   = "Allow"
        Action   = ["dynamodb:GetShardIterator", "dynamodb:GetRecords", "dynamodb:DescribeStream"]
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/2026-11-22T00:00:00.000"
      },
      {
        Sid      = "ListStreams"
        Effect   = "Allow"
        Action   = "dynamodb:ListStreams"
        Resource = "*"
      },
      {
        Sid      = "AppendToArchive"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject"]
        Resource = "arn:aws-us-gov:s3:::cross-partition-test-audit-123456789012-us-gov-west-1/records/*"
      },
      {
        Sid       = "EncryptArchive"
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"
        Condition = { StringEquals = { "kms:ViaService" = "s3.us-gov-west-1.amazonaws.com" } }
      },
      {
        Sid      = "KeepArchiveHead"
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem", "dynamodb:GetItem"]
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/audit-archive"
      },
      {
        Sid    = "DecryptThroughServices"
        Effect = "Allow"
        Action = "kms:Decrypt"
        Resource = [
          "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000",
          "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
        ]
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["dynamodb.us-gov-west-1.amazonaws.com", "lambda.us-gov-west-1.amazonaws.com", "secretsmanager.us-gov-west-1.amazonaws.com"]
          }
        }
      },
    ]
    error_message = "The role may append to the archive, and neither delete nor unlock anything."
  }

  assert {
    condition = jsondecode(replace(output.policies_json["audit"], local.stage_arn, "STAGE")).Statement == [
      {
        Sid      = "ReadDashboard"
        Effect   = "Allow"
        Action   = "execute-api:Invoke"
        Resource = "STAGE/GET/dashboard/*"
      },
      {
        Sid    = "FindRecords"
        Effect = "Allow"
        Action = "dynamodb:Query"
        Resource = [
          "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/index/by-time",
          "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests",
        ]
      },
      {
        Sid      = "ReadRecords"
        Effect   = "Allow"
        Action   = "dynamodb:BatchGetItem"
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests"
      },
      {
        Sid      = "ListArchive"
        Effect   = "Allow"
        Action   = ["s3:ListBucketVersions", "s3:ListBucket"]
        Resource = "arn:aws-us-gov:s3:::cross-partition-test-audit-123456789012-us-gov-west-1"
      },
      {
        Sid      = "ReadArchive"
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersion", "s3:GetObjectRetention", "s3:GetObject"]
        Resource = "arn:aws-us-gov:s3:::cross-partition-test-audit-123456789012-us-gov-west-1/records/*"
      },
      {
        Sid      = "ReadArchiveHead"
        Effect   = "Allow"
        Action   = "dynamodb:GetItem"
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/audit-archive"
      },
      {
        Sid    = "DecryptThroughServices"
        Effect = "Allow"
        Action = "kms:Decrypt"
        Resource = [
          "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000",
          "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
        ]
        Condition = {
          StringEquals = { "kms:ViaService" = ["dynamodb.us-gov-west-1.amazonaws.com", "s3.us-gov-west-1.amazonaws.com"] }
        }
      },
    ]
    error_message = "An auditor reads the trail and its archive, and changes nothing."
  }
}

run "federation_alone_has_no_permission_of_secrets_manager" {
  command = plan

  variables {
    stored_credential = null
    federation        = { audience = "cross-partition-inference" }
  }

  assert {
    condition = slice(jsondecode(aws_iam_role_policy.execution.policy).Statement, 7, 9) == [
      {
        Sid      = "GetIdentityToken"
        Effect   = "Allow"
        Action   = "sts:GetWebIdentityToken"
        Resource = "*"
        Condition = {
          "ForAllValues:StringEquals" = { "sts:IdentityTokenAudience" = "cross-partition-inference" }
          Null                        = { "sts:IdentityTokenAudience" = "false" }
          NumericLessThanEquals       = { "sts:DurationSeconds" = "60" }
          StringEquals                = { "sts:SigningAlgorithm" = "ES384" }
        }
      },
      {
        Sid      = "DecryptThroughServices"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
        Condition = {
          StringEquals = { "kms:ViaService" = ["dynamodb.us-gov-west-1.amazonaws.com", "lambda.us-gov-west-1.amazonaws.com"] }
        }
      },
    ]
    error_message = "The role may get tokens for one audience, a minute and ES384, and nothing else takes the secret's place."
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.execution.policy).Statement) == 9 && !strcontains(aws_iam_role_policy.execution.policy, "secretsmanager")
    error_message = "Without a stored credential, the role has nothing to do with Secrets Manager."
  }

  assert {
    condition = [for statement in jsondecode(output.policies_json["operate"]).Statement : statement.Sid] == [
      "ReadAuditTrailAndHealth", "ReadLogs", "DescribeAuditTable",
    ]
    error_message = "Without a stored credential, an operator has none to change and no reason to invoke the function."
  }
}

run "both_while_a_switch_is_under_way" {
  command = plan

  providers = { aws = aws.east }

  variables {
    federation    = { audience = "https://inference.agency.example/dev" }
    guardrail_arn = "arn:aws-us-gov:bedrock:us-gov-east-1:123456789012:guardrail/abc123"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.execution.policy).Statement[7] == {
      Sid      = "ScreenBeforeEgress"
      Effect   = "Allow"
      Action   = "bedrock:ApplyGuardrail"
      Resource = "arn:aws-us-gov:bedrock:us-gov-east-1:123456789012:guardrail/abc123"
    }
    error_message = "The role may have text screened by this guardrail, and do nothing else with Bedrock in GovCloud."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid] == [
      "WriteOwnLogs", "WriteAuditTrail", "FindRecords", "ReadRecords", "SumUpUsage", "ReadPolicy", "CountForLimits", "ScreenBeforeEgress",
      "ReadCommercialCredential", "GetIdentityToken", "DecryptThroughServices",
    ]
    error_message = "The permissions of two modes must stand beside each other."
  }

  assert {
    condition     = one([for statement in jsondecode(output.policies_json["operate"]).Statement : statement.Resource if statement.Sid == "ProveCommercialCredential"]) == "arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:cross-partition-test-router:live"
    error_message = "Where there is one alias only, it is the one that may be invoked."
  }
}

run "a_function_in_a_vpc_and_a_boundary" {
  command = plan

  variables {
    in_vpc                   = true
    permissions_boundary_arn = "arn:aws-us-gov:iam::123456789012:policy/boundary"
  }

  assert {
    condition = slice(jsondecode(aws_iam_role_policy.execution.policy).Statement, 9, 13) == [
      {
        Sid    = "CreateNetworkInterfaces"
        Effect = "Allow"
        Action = "ec2:CreateNetworkInterface"
        Resource = [
          "arn:aws-us-gov:ec2:us-gov-west-1:123456789012:security-group/*",
          "arn:aws-us-gov:ec2:us-gov-west-1:123456789012:network-interface/*",
          "arn:aws-us-gov:ec2:us-gov-west-1:*:subnet/*",
        ]
      },
      {
        Sid      = "ManageNetworkInterfaces"
        Effect   = "Allow"
        Action   = ["ec2:UnassignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses"]
        Resource = "arn:aws-us-gov:ec2:us-gov-west-1:123456789012:network-interface/*"
      },
      {
        Sid      = "DescribeNetwork"
        Effect   = "Allow"
        Action   = ["ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces"]
        Resource = "*"
      },
      {
        Sid    = "NotFromCode"
        Effect = "Deny"
        Action = [
          "ec2:UnassignPrivateIpAddresses", "ec2:DetachNetworkInterface", "ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces",
          "ec2:DeleteNetworkInterface", "ec2:CreateNetworkInterface", "ec2:AssignPrivateIpAddresses",
        ]
        Resource  = "*"
        Condition = { Null = { "lambda:SourceFunctionArn" = "false" } }
      },
    ]
    error_message = "In a VPC, Lambda may manage network interfaces with the role, and the function's code may not."
  }

  assert {
    condition     = aws_iam_role.execution.permissions_boundary == "arn:aws-us-gov:iam::123456789012:policy/boundary"
    error_message = "The role must have the boundary."
  }
}

run "partition_and_region_are_not_fixed" {
  command = plan

  providers = { aws = aws.east }

  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[0].Resource == "arn:aws-us-gov:logs:us-gov-east-1:123456789012:log-group:/aws/lambda/cross-partition-test-router:*"
    error_message = "The log group's ARN must follow the provider's region."
  }

  assert {
    condition     = strcontains(output.policies_json["operate"], "secretsmanager.us-gov-east-1.amazonaws.com") && !strcontains(output.policies_json["operate"], "arn:aws:")
    error_message = "The operator's policy must follow the provider's region and partition."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    function_name    = "a-name-that-leaves-no-room-for-the-region-in-a-role"
    audit_table_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/*"
    audit_index_arns = ["arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/index/*"]
    usage_table_arn  = "usage"
    audit_archive = {
      stream_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/2026-11-22T00:00:00.000"
      bucket_arn  = "arn:aws-us-gov:s3:::*"
      table_arn   = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/audit-archive"
      kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"
    }
    policy_table_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/*"
    limits_table_arn  = "limits"
    guardrail_arn     = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail-profile/us-gov.guardrail.v1:0"
    stored_credential = { secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:*" }
    task_alias_name   = "tasks*"
    kms_key_arn       = "*"
    api_execution_arn = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:*"
    stage_name        = "*"

    model_policies           = { Team = ["amazon.nova-lite-v1:0"] }
    operator_access          = { alarm_names = ["*"] }
    permissions_boundary_arn = "arn:aws-us-gov:iam::123456789012:role/boundary"
  }

  expect_failures = [
    var.function_name, var.audit_table_arn, var.audit_index_arns, var.usage_table_arn, var.audit_archive, var.policy_table_arn, var.limits_table_arn,
    var.guardrail_arn, var.stored_credential, var.task_alias_name, var.kms_key_arn, var.api_execution_arn, var.stage_name,
    var.model_policies, var.operator_access, var.permissions_boundary_arn,
  ]
}

run "a_pattern_of_audiences_and_of_streams_is_refused" {
  command = plan

  variables {
    federation = { audience = "cross-partition-*" }
    audit_archive = {
      stream_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/*"
      bucket_arn  = "arn:aws-us-gov:s3:::audit"
      table_arn   = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/audit-archive"
      kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"
    }
  }

  expect_failures = [var.federation, var.audit_archive]
}

run "no_credential_at_all_and_a_pattern_of_the_archives_tables_are_refused" {
  command = plan

  variables {
    stored_credential = null
    audit_archive = {
      stream_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1"
      bucket_arn  = "arn:aws-us-gov:s3:::audit"
      table_arn   = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/*"
      kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"
    }
  }

  expect_failures = [var.stored_credential, var.audit_archive]
}

run "a_pattern_for_every_model_and_an_alias_of_the_archives_key_are_refused" {
  command = plan

  variables {
    model_policies = { all = ["*"] }
    audit_archive = {
      stream_arn  = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1"
      bucket_arn  = "arn:aws-us-gov:s3:::audit"
      table_arn   = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/audit-archive"
      kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/audit"
    }
  }

  expect_failures = [var.model_policies, var.audit_archive]
}

run "a_pattern_in_the_middle_is_refused" {
  command = plan

  variables {
    model_policies = { some = ["amazon.*-lite-v1:0"] }
  }

  expect_failures = [var.model_policies]
}

run "a_path_instead_of_a_model_is_refused" {
  command = plan

  variables {
    model_policies = { some = ["amazon.nova/invoke"] }
  }

  expect_failures = [var.model_policies]
}

run "dots_that_step_out_of_a_model_are_refused" {
  command = plan

  variables {
    model_policies = { some = ["amazon..*"] }
  }

  expect_failures = [var.model_policies]
}

run "more_models_than_a_policy_holds_are_refused" {
  command = plan

  variables {
    create_caller_policies = true
    model_policies         = { many = [for number in range(40) : "amazon.a-model-with-a-long-name-v${number}:0"] }
  }

  expect_failures = [aws_iam_policy.caller]
}

run "an_empty_list_of_indexes_is_refused" {
  command = plan

  variables {
    audit_index_arns = []
  }

  expect_failures = [var.audit_index_arns]
}
