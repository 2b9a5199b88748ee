# Reads a file of variables, so that a test can plan with it.

terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}

variable "name" {
  type = string
}

output "values" {
  value = provider::terraform::decode_tfvars(file("${path.module}/../../environments/${var.name}.tfvars"))
}
