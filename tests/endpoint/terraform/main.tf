# All that the AWS provider has for a function whose triggers come elsewhere: made, planned again, changed and destroyed.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.80" }
  }
}

provider "aws" {
  region                  = "us-east-1"
  s3_use_path_style       = true
  skip_metadata_api_check = true
}

variable "memory" {
  default = 256
}

resource "aws_iam_role" "role" {
  name = "fn"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_s3_bucket" "codes" {
  bucket = "tf-codes"
}

resource "aws_s3_object" "code" {
  bucket = aws_s3_bucket.codes.id
  key    = "app.zip"
  source = "app.zip"
}

resource "aws_lambda_layer_version" "shared" {
  layer_name               = "shared"
  filename                 = "layer.zip"
  compatible_runtimes      = ["python3.11"]
  compatible_architectures = ["x86_64"]
  license_info             = "MIT"
}

resource "aws_lambda_layer_version_permission" "account" {
  layer_name     = aws_lambda_layer_version.shared.layer_name
  version_number = aws_lambda_layer_version.shared.version
  principal      = "000000000000"
  action         = "lambda:GetLayerVersion"
  statement_id   = "account"
}

resource "aws_lambda_function" "whole" {
  function_name                  = "whole"
  role                           = aws_iam_role.role.arn
  handler                        = "src/app.handler"
  runtime                        = "python3.11"
  filename                       = "app.zip"
  source_code_hash               = filebase64sha256("app.zip")
  layers                         = [aws_lambda_layer_version.shared.arn]
  publish                        = true
  description                    = "doubles"
  memory_size                    = var.memory
  timeout                        = 10
  reserved_concurrent_executions = 5
  kms_key_arn                    = "arn:aws:kms:us-east-1:000000000000:key/k"
  tags                           = { team = "a" }

  environment {
    variables = { STAGE = "dev" }
  }
  dead_letter_config {
    target_arn = "arn:aws:sqs:us-east-1:000000000000:dead"
  }
  tracing_config {
    mode = "Active"
  }
  logging_config {
    log_format            = "JSON"
    log_group             = "/mine"
    application_log_level = "INFO"
    system_log_level      = "WARN"
  }
  ephemeral_storage {
    size = 1024
  }
  vpc_config {
    subnet_ids         = ["subnet-1"]
    security_group_ids = ["sg-1"]
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.whole.function_name
  function_version = aws_lambda_function.whole.version
}

resource "aws_lambda_permission" "bucket" {
  statement_id  = "bucket"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.whole.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "s3.amazonaws.com"
  source_arn    = aws_s3_bucket.codes.arn
}

resource "aws_lambda_function_event_invoke_config" "whole" {
  function_name          = aws_lambda_function.whole.function_name
  maximum_retry_attempts = 1
  destination_config {
    on_failure {
      destination = "arn:aws:sqs:us-east-1:000000000000:dead"
    }
  }
}

resource "aws_lambda_function" "bucket" {
  function_name = "bucket"
  role          = aws_iam_role.role.arn
  handler       = "src/app.handler"
  runtime       = "python3.11"
  s3_bucket     = aws_s3_object.code.bucket
  s3_key        = aws_s3_object.code.key
}

resource "aws_lambda_runtime_management_config" "bucket" {
  function_name     = aws_lambda_function.bucket.function_name
  update_runtime_on = "FunctionUpdate"
}

resource "aws_lambda_function_recursion_config" "bucket" {
  function_name  = aws_lambda_function.bucket.function_name
  recursive_loop = "Allow"
}

resource "aws_lambda_invocation" "run" {
  function_name = aws_lambda_function.whole.function_name
  input         = jsonencode({ x = 21 })
}

data "aws_lambda_function" "whole" {
  function_name = aws_lambda_function.whole.function_name
}

data "aws_lambda_alias" "live" {
  function_name = aws_lambda_function.whole.function_name
  name          = aws_lambda_alias.live.name
}

output "result" {
  value = aws_lambda_invocation.run.result
}

output "live" {
  value = data.aws_lambda_alias.live.function_version
}
