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
  function_name         = "cross-partition-test-router"
  audit_table_arn       = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests"
  audit_index_arns      = ["arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/index/by-time"]
  credential_secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:creds-AbCdEf"
  kms_key_arn           = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  api_execution_arn     = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123"
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
        Sid      = "ReadAuditTrail"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/index/by-time"
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
            "kms:ViaService" = ["dynamodb.us-gov-west-1.amazonaws.com", "secretsmanager.us-gov-west-1.amazonaws.com"]
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
}

run "partition_and_region_are_not_fixed" {
  command = plan

  providers = { aws = aws.east }

  assert {
    condition     = jsondecode(aws_iam_role_policy.execution.policy).Statement[0].Resource == "arn:aws-us-gov:logs:us-gov-east-1:123456789012:log-group:/aws/lambda/cross-partition-test-router:*"
    error_message = "The log group's ARN must follow the provider's region."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    function_name         = "a-name-that-leaves-no-room-for-the-region-in-a-role"
    audit_table_arn       = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/*"
    audit_index_arns      = ["arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/index/*"]
    credential_secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:*"
    kms_key_arn           = "*"
    api_execution_arn     = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:*"
    stage_name            = "*"
  }

  expect_failures = [
    var.function_name, var.audit_table_arn, var.audit_index_arns, var.credential_secret_arn,
    var.kms_key_arn, var.api_execution_arn, var.stage_name,
  ]
}

run "an_empty_list_of_indexes_is_refused" {
  command = plan

  variables {
    audit_index_arns = []
  }

  expect_failures = [var.audit_index_arns]
}
