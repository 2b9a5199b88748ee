# The function: the right code, one store for all its instances, and no more rights than it needs.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "it_is_built_from_this_checkout_and_called_by_the_pusher_only" {
  assert {
    condition = google_cloudfunctions2_function.this.service_config[0].environment_variables == tomap({
      API_URL         = "https://api.example"
      PROJECT         = "aiot-test"
      DECISIONS_TOPIC = "decisions"
      PARKED_TOPIC    = "readings-parked"
      STORE           = "firestore:aiot"
      THREADS         = "16"
    })
    error_message = "The environment is not what functions/settings.py reads."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.this.build_config[0].runtime == "python311" &&
      google_cloudfunctions2_function.this.build_config[0].entry_point == "handle"
    )
    error_message = "The function is not `handle` on Python 3.11."
  }
  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].timeout_seconds <= google_pubsub_subscription.push.ack_deadline_seconds
    error_message = "Pub/Sub would deliver again while the function still works."
  }
  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].service_account_email == "function@example"
    error_message = "The function does not run as its own account."
  }
  assert {
    condition     = google_cloudfunctions2_function.this.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"
    error_message = "The function can be reached from the internet."
  }
  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.pusher.name == google_cloudfunctions2_function.this.name &&
      google_cloud_run_v2_service_iam_member.pusher.role == "roles/run.invoker" &&
      google_cloud_run_v2_service_iam_member.pusher.member == "serviceAccount:pusher@example"
    )
    error_message = "The pusher may not call the function, or somebody else may."
  }
  assert {
    condition     = toset([for m in google_pubsub_topic_iam_member.function : m.topic]) == toset(["decisions", "readings-parked"])
    error_message = "The function may publish to other topics than the two that it writes."
  }
  assert {
    condition = alltrue([
      for m in google_pubsub_topic_iam_member.function :
      m.role == "roles/pubsub.publisher" && m.member == "serviceAccount:function@example"
    ])
    error_message = "The function may not publish its decisions."
  }
  assert {
    condition = length(setsubtract(
      concat(
        ["main.py", "requirements.txt", "aiot_anomaly/stream.py", "aiot_anomaly/messages.py"],
        tolist(fileset(path.module, "../functions/*.py")) == [] ? ["no file in functions/ found"] :
        [for f in fileset(path.module, "../functions/*.py") : trimprefix(f, "../")],
      ),
      data.archive_file.function.source[*].filename,
    )) == 0
    error_message = "A file that the function imports is not in the archive."
  }
  assert {
    condition     = !anytrue([for s in data.archive_file.function.source : can(regex("training|datasets|history|__pycache__", s.filename))])
    error_message = "The archive carries training code or data sets."
  }
  assert {
    condition = (
      one([for s in data.archive_file.function.source : s.content if s.filename == "main.py"]) ==
      one([for s in data.archive_file.function.source : s.content if s.filename == "functions/main.py"])
    )
    error_message = "main.py in the archive's root is not the function's."
  }
  assert {
    condition     = strcontains(one([for s in data.archive_file.function.source : s.content if s.filename == "requirements.txt"]), "google-cloud-firestore==")
    error_message = "The function is not built with the client of its store."
  }
  assert {
    condition     = google_storage_bucket_object.function.name == "function-${data.archive_file.function.output_sha256}.zip"
    error_message = "The archive is not named by its content, so that changed code would not be deployed."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.this.build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.function.name &&
      google_cloudfunctions2_function.this.build_config[0].source[0].storage_source[0].bucket == google_storage_bucket.sources.name
    )
    error_message = "The function is not built from the archive of this apply."
  }
  assert {
    condition     = google_cloudfunctions2_function.this.build_config[0].service_account == "sa/build"
    error_message = "The build runs as the project's default account."
  }
  assert {
    condition = (
      google_artifact_registry_repository_iam_member.build_images.role == "roles/artifactregistry.writer" &&
      google_artifact_registry_repository_iam_member.build_images.member == "serviceAccount:build@example"
    )
    error_message = "The build may not push the image."
  }
  assert {
    condition = (
      google_storage_bucket_iam_member.build_sources.bucket == google_storage_bucket.sources.name &&
      google_storage_bucket_iam_member.build_sources.role == "roles/storage.objectViewer" &&
      google_storage_bucket_iam_member.build_sources.member == "serviceAccount:build@example"
    )
    error_message = "The build may not read the sources, or may do more."
  }
  assert {
    condition = (
      google_project_iam_member.build_function_sources.role == "roles/storage.objectViewer" &&
      google_project_iam_member.build_function_sources.condition[0].expression ==
      "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-123456789012-europe-west1\")"
    )
    error_message = "The build may not read Cloud Functions' copy of the sources, or may read other buckets too."
  }
}

run "its_size_is_a_variable" {
  command = plan

  variables {
    function = { cpu = 2, memory = "2Gi", concurrency = 8, min_instances = 1, max_instances = 3 }
  }

  assert {
    condition = (
      google_cloudfunctions2_function.this.service_config[0].min_instance_count == 1 &&
      google_cloudfunctions2_function.this.service_config[0].max_instance_count == 3
    )
    error_message = "The function has not the instances that were asked for."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.this.service_config[0].available_cpu == "2" &&
      google_cloudfunctions2_function.this.service_config[0].available_memory == "2Gi"
    )
    error_message = "The function has not the CPU and memory that were asked for."
  }
  assert {
    condition = (
      google_cloudfunctions2_function.this.service_config[0].max_instance_request_concurrency == 8 &&
      google_cloudfunctions2_function.this.service_config[0].environment_variables["THREADS"] == "8"
    )
    error_message = "An instance of the function gets more messages at once than it has threads."
  }
}
