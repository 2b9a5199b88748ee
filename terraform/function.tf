# The function: its code is packaged and uploaded by this apply, and by nothing else.

locals {
  function_name = "aiot-readings${local.suffix}"
  root          = "${path.module}/.."

  # Only code: a changed note or profile must not redeploy the function. Training stays out, as in the API's image.
  library_files = [
    for f in fileset("${local.root}/src", "aiot_anomaly/**/*.py") : f
    if !can(regex("^aiot_anomaly/(training|datasets|history)/", f))
  ]
  function_files = fileset(local.root, "functions/**/*.py")

  # path in the archive => path in the repository
  function_archive = merge(
    { for f in local.library_files : f => "src/${f}" },
    { for f in local.function_files : f => f },
    # where Cloud Functions looks for them
    { for f in ["main.py", "requirements.txt"] : f => "functions/${f}" },
  )
}

data "archive_file" "function" {
  type        = "zip"
  output_path = "${path.module}/.terraform/function.zip"

  dynamic "source" {
    for_each = local.function_archive
    content {
      filename = source.key
      content  = file("${local.root}/${source.value}")
    }
  }
}

resource "google_storage_bucket_object" "function" {
  # named by its content: other code is another object, and so another deployment
  name   = "function-${data.archive_file.function.output_sha256}.zip"
  bucket = google_storage_bucket.sources.name
  source = data.archive_file.function.output_path

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_cloudfunctions2_function" "this" {
  name        = local.function_name
  location    = var.region
  description = "Takes readings in, asks the API, publishes decisions"

  build_config {
    runtime           = "python311"
    entry_point       = "handle"
    service_account   = google_service_account.this["build"].id
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket.sources.name
        object = google_storage_bucket_object.function.name
      }
    }
  }

  service_config {
    service_account_email = google_service_account.this["function"].email
    ingress_settings      = "ALLOW_INTERNAL_ONLY" # Pub/Sub of the same project counts as internal

    available_cpu                    = tostring(var.function.cpu)
    available_memory                 = var.function.memory
    max_instance_request_concurrency = var.function.concurrency
    # not longer than the subscription waits for an acknowledgement
    timeout_seconds = 60

    # instances share the store, and Pub/Sub's ordering gives each device one writer at a time
    min_instance_count = var.function.min_instances
    max_instance_count = var.function.max_instances

    environment_variables = {
      API_URL         = google_cloud_run_v2_service.api.uri
      PROJECT         = var.project_id
      DECISIONS_TOPIC = google_pubsub_topic.this["decisions"].name
      PARKED_TOPIC    = google_pubsub_topic.this["readings-parked"].name
      STORE           = "firestore:${google_firestore_database.this.name}"
      # of the one process that serves requests
      THREADS = tostring(var.function.concurrency)
    }
  }

  # The build needs these at once, and new grants take a minute or two to spread. They are made first, beside the API
  # and the database that the environment above waits for: that is the minute.
  depends_on = [
    google_artifact_registry_repository_iam_member.build_images,
    google_project_iam_member.build_function_sources,
    google_project_iam_member.build_logs,
    google_storage_bucket_iam_member.build_sources,
  ]
}

resource "google_pubsub_topic_iam_member" "function" {
  for_each = toset(["decisions", "readings-parked"])

  topic  = google_pubsub_topic.this[each.key].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.this["function"].member
}

# A function of the 2nd generation is a Cloud Run service of the same name; that is where calling it is allowed.
resource "google_cloud_run_v2_service_iam_member" "pusher" {
  name     = google_cloudfunctions2_function.this.name
  location = google_cloudfunctions2_function.this.location
  role     = "roles/run.invoker"
  member   = google_service_account.this["pusher"].member
}
