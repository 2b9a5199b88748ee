# What holds for the whole project: APIs, images, accounts, and variables that say what is wrong.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "destroying_disables_no_api" {
  assert {
    condition = alltrue([
      for s in concat(values(google_project_service.base), values(google_project_service.this)) : s.disable_on_destroy == false
    ])
    error_message = "A tear-down would disable APIs that something else in the project may need."
  }
}

run "old_images_are_deleted_and_recent_ones_kept" {
  command = plan

  assert {
    condition     = one([for p in google_artifact_registry_repository.images.cleanup_policies : p.most_recent_versions[0].keep_count if p.action == "KEEP"]) == 10
    error_message = "The ten newest versions are not kept."
  }
  assert {
    condition     = one([for p in google_artifact_registry_repository.images.cleanup_policies : p.condition[0].older_than if p.action == "DELETE"]) == "2592000s"
    error_message = "Versions older than 30 days are not deleted."
  }
  assert {
    condition     = google_artifact_registry_repository.images.format == "DOCKER" && !google_artifact_registry_repository.images.cleanup_policy_dry_run
    error_message = "It is no Docker repository, or its clean-up only pretends."
  }
}

run "each_runtime_has_its_account" {
  command = plan

  assert {
    condition     = toset([for a in google_service_account.this : a.account_id]) == toset(["aiot-api", "aiot-build", "aiot-function", "aiot-pusher"])
    error_message = "There are other accounts than one for each thing that runs."
  }
  assert {
    condition     = output.image == "europe-west1-docker.pkg.dev/aiot-test/aiot-anomaly/serving"
    error_message = "The image is not pushed where serving/cloudbuild.yaml pushes it."
  }
}

run "bad_names_are_refused" {
  command = plan

  variables {
    project_id          = "Not A Project"
    region              = "europe-west1-b"
    api_invokers        = ["app@example"]
    readings_publishers = ["gateway@example"]
  }

  expect_failures = [var.project_id, var.region, var.api_invokers, var.readings_publishers]
}

run "bad_sizes_are_refused" {
  command = plan

  variables {
    api      = { min_instances = 4, max_instances = 3 }
    function = { memory = "1 GB" }
    pubsub   = { kept_days = 32 }
    images   = { keep_recent = 1 }
  }

  expect_failures = [var.api, var.function, var.pubsub, var.images]
}
