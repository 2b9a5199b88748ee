# The API: closed to the public, and its image is the delivery's.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "it_starts_from_the_placeholder" {
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
      google_cloud_run_v2_service.api.template[0].containers[0].liveness_probe[0].http_get[0].path == "/health/live"
    )
    error_message = "The probes are not those that the API answers."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.template[0].containers[0].resources[0].startup_cpu_boost
    error_message = "The API starts without the CPU boost."
  }
  assert {
    condition     = google_cloud_run_v2_service.api.deletion_protection
    error_message = "A slip would delete the API."
  }
}

# the same state as above: what CI has deployed in the meantime must stay
run "a_later_image_is_left_alone" {
  command = plan

  variables {
    api = { first_image = "example.com/another/image" }
  }

  assert {
    condition     = google_cloud_run_v2_service.api.template[0].containers[0].image == "us-docker.pkg.dev/cloudrun/container/hello"
    error_message = "An apply would replace the image that CI deployed."
  }
}

run "nobody_but_the_function_calls_it" {
  command = plan

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
    condition = !anytrue([
      for m in concat(
        [google_cloud_run_v2_service_iam_member.api_function, google_cloud_run_v2_service_iam_member.pusher],
        values(google_cloud_run_v2_service_iam_member.api_invokers),
      ) : contains(["allUsers", "allAuthenticatedUsers"], m.member)
    ])
    error_message = "The API or the function is open to the public."
  }
  assert {
    condition     = !google_cloud_run_v2_service.api.invoker_iam_disabled
    error_message = "The API asks nobody who they are."
  }
}

run "invokers_are_named" {
  command = plan

  variables {
    api_invokers = ["serviceAccount:app@example"]
  }

  assert {
    condition     = [for m in google_cloud_run_v2_service_iam_member.api_invokers : m.member] == ["serviceAccount:app@example"]
    error_message = "The named client may not call the API."
  }
}

run "its_size_is_a_variable" {
  command = plan

  variables {
    api = { cpu = 2, memory = "2Gi", concurrency = 80, min_instances = 1, max_instances = 3 }
  }

  assert {
    condition = (
      google_cloud_run_v2_service.api.scaling[0].min_instance_count == 1 &&
      google_cloud_run_v2_service.api.scaling[0].max_instance_count == 3 &&
      google_cloud_run_v2_service.api.template[0].max_instance_request_concurrency == 80 &&
      google_cloud_run_v2_service.api.template[0].containers[0].resources[0].limits == tomap({ cpu = "2", memory = "2Gi" })
    )
    error_message = "The API is not of the size that was asked for."
  }
}
