# The API: closed to the public, and its image is the delivery's.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "it_starts_from_the_placeholder_and_is_closed" {
  assert {
    condition     = google_cloud_run_v2_service.api.template[0].containers[0].image == "us-docker.pkg.dev/cloudrun/container/hello"
    error_message = "Without a built image, the first apply has none to start."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.template[0].service_account == "api@example"
    error_message = "The API does not run as its own account."
  }
  assert {
    condition = (
      google_cloud_run_v2_service.api.template[0].containers[0].startup_probe[0].http_get[0].path == "/health/ready" &&
      google_cloud_run_v2_service.api.template[0].containers[0].startup_probe[0].http_get[0].port == 8080
    )
    error_message = "The API would get requests before its bundles have given their golden scores."
  }
  assert {
    condition = (
      google_cloud_run_v2_service.api.template[0].containers[0].liveness_probe[0].http_get[0].path == "/health/live" &&
      google_cloud_run_v2_service.api.template[0].containers[0].liveness_probe[0].http_get[0].port == 8080
    )
    error_message = "An API that hangs is not replaced."
  }
  assert {
    condition = (
      google_cloud_run_v2_service.api.template[0].containers[0].startup_probe[0].period_seconds == 1 &&
      google_cloud_run_v2_service.api.template[0].containers[0].startup_probe[0].failure_threshold >= 30
    )
    error_message = "The API, ready after a second, gets its first request later, or one on a slow machine is given up."
  }
  assert {
    condition = { for e in google_cloud_run_v2_service.api.template[0].containers[0].env : e.name => e.value } == {
      INFERENCE_THREADS    = "1"
      GOOGLE_CLOUD_PROJECT = "aiot-test"
    }
    error_message = "The API does not work on as many requests at once as it has CPUs, or its logs do not name their traces."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.template[0].containers[0].resources[0].startup_cpu_boost
    error_message = "The API starts without the CPU boost."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.deletion_protection
    error_message = "A slip would delete the API."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.scaling[0].min_instance_count == 0
    error_message = "The API costs money while nobody calls it."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.api_invokers) == 0
    error_message = "Somebody whom nobody named may call the API."
  }
  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.api_function.name == google_cloud_run_v2_service.api.name &&
      google_cloud_run_v2_service_iam_member.api_function.role == "roles/run.invoker" &&
      google_cloud_run_v2_service_iam_member.api_function.member == "serviceAccount:function@example"
    )
    error_message = "The function may not call the API, or another member may."
  }
  assert {
    condition     = !google_cloud_run_v2_service.api.invoker_iam_disabled
    error_message = "The API asks nobody who they are."
  }
}

# the same state as above: what the delivery has deployed in the meantime must stay
run "a_later_image_is_left_alone_and_the_rest_is_a_variable" {
  command = plan

  variables {
    api          = { first_image = "example.com/another/image", cpu = 2, memory = "2Gi", concurrency = 80, min_instances = 1, max_instances = 3, environment = { MAX_QUEUE_MS = "50", INFERENCE_THREADS = "1" } }
    api_invokers = ["serviceAccount:app@example"]
  }

  assert {
    condition     = google_cloud_run_v2_service.api.template[0].containers[0].image == "us-docker.pkg.dev/cloudrun/container/hello"
    error_message = "An apply would replace the image that was deployed."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.template[0].containers[0].resources[0].limits == tomap({ cpu = "2", memory = "2Gi" })
    error_message = "The API has not the CPU and memory that were asked for."
  }
  assert {
    condition = { for e in google_cloud_run_v2_service.api.template[0].containers[0].env : e.name => e.value } == {
      INFERENCE_THREADS    = "1"
      GOOGLE_CLOUD_PROJECT = "aiot-test"
      MAX_QUEUE_MS         = "50"
    }
    error_message = "The API has not the settings that were asked for."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.template[0].max_instance_request_concurrency == 80
    error_message = "An instance of the API does not take as many requests at once as was asked for."
  }
  assert {
    condition = (
      google_cloud_run_v2_service.api.scaling[0].min_instance_count == 1 &&
      google_cloud_run_v2_service.api.scaling[0].max_instance_count == 3
    )
    error_message = "The API has not the instances that were asked for."
  }
  assert {
    condition     = [for m in google_cloud_run_v2_service_iam_member.api_invokers : "${m.role} ${m.member}"] == ["roles/run.invoker serviceAccount:app@example"]
    error_message = "The named client may not call the API."
  }
}
