# The files of variables in environments/: they are of the form that the variables ask for.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "read_dev" {
  module {
    source = "./tests/environments"
  }

  variables {
    name = "dev"
  }
}

run "dev_can_be_planned" {
  command = plan

  variables {
    environment         = run.read_dev.values.environment
    deletion_protection = run.read_dev.values.deletion_protection
    api                 = run.read_dev.values.api
    function            = run.read_dev.values.function
    firestore           = run.read_dev.values.firestore
    pubsub              = run.read_dev.values.pubsub
    bigquery            = run.read_dev.values.bigquery
    images              = run.read_dev.values.images
    buckets             = run.read_dev.values.buckets
    training_schedule   = run.read_dev.values.training_schedule
  }

  assert {
    condition     = google_cloud_run_v2_service.api.name == "aiot-api-dev"
    error_message = "dev.tfvars is of another environment."
  }
  assert {
    condition = length(setsubtract(keys(run.read_dev.values), [
      "environment", "deletion_protection", "api", "function", "firestore", "pubsub", "bigquery", "images", "buckets", "training_schedule",
    ])) == 0
    error_message = "dev.tfvars sets a variable that this test does not plan with."
  }
  assert {
    condition     = !google_cloud_run_v2_service.api.deletion_protection
    error_message = "A trial could not be torn down."
  }
}

run "read_prod" {
  module {
    source = "./tests/environments"
  }

  variables {
    name = "prod"
  }
}

run "prod_can_be_planned" {
  command = plan

  variables {
    environment         = run.read_prod.values.environment
    deletion_protection = run.read_prod.values.deletion_protection
    api                 = run.read_prod.values.api
    function            = run.read_prod.values.function
    firestore           = run.read_prod.values.firestore
    pubsub              = run.read_prod.values.pubsub
    bigquery            = run.read_prod.values.bigquery
    images              = run.read_prod.values.images
    buckets             = run.read_prod.values.buckets
    training_schedule   = run.read_prod.values.training_schedule
  }

  assert {
    condition     = google_cloud_run_v2_service.api.name == "aiot-api-prod"
    error_message = "prod.tfvars is of another environment."
  }
  assert {
    condition = length(setsubtract(keys(run.read_prod.values), [
      "environment", "deletion_protection", "api", "function", "firestore", "pubsub", "bigquery", "images", "buckets", "training_schedule",
    ])) == 0
    error_message = "prod.tfvars sets a variable that this test does not plan with."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.deletion_protection
    error_message = "A slip would delete what real devices depend on."
  }
}
