# Training in the cloud: one job a profile, which runs the notebooks with Papermill and leaves what it makes in a
# bucket. It starts as a public placeholder; the delivery owns the image from then on. Nothing is promoted here.

locals {
  artifacts = "/artifacts"
}

resource "google_cloud_run_v2_job" "training" {
  for_each = var.training.profiles

  name     = "aiot-training-${each.key}${local.suffix}"
  location = var.region
  # a job holds nothing, and goes when its profile leaves the variable
  deletion_protection = false

  template {
    task_count = 1

    template {
      service_account = google_service_account.this["training"].email
      timeout         = "${var.training.timeout_h * 3600}s"
      max_retries     = 1
      # buckets are mounted by the second one only
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

      containers {
        image = var.training.first_image
        args  = ["train", each.key, "--out", local.artifacts]

        resources {
          limits = { cpu = tostring(var.training.cpu), memory = var.training.memory }
        }
        volume_mounts {
          name       = "artifacts"
          mount_path = local.artifacts
        }
      }
      volumes {
        name = "artifacts"
        gcs {
          bucket    = google_storage_bucket.training.name
          read_only = false
          # the image's user, who is not root, owns what it writes to
          mount_options = ["uid=10001", "gid=10001"]
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [
      client,
      client_version,
      template[0].annotations,
      template[0].labels,
      template[0].template[0].containers[0].image,
      # `gcloud run jobs update` may give it one
      template[0].template[0].containers[0].name,
    ]
  }

  # without it the mount fails, and with it the execution
  depends_on = [google_project_service.this, google_storage_bucket_iam_member.training_artifacts]
}

resource "google_storage_bucket_iam_member" "training_artifacts" {
  bucket = google_storage_bucket.training.name
  role   = "roles/storage.objectUser"
  member = google_service_account.this["training"].member
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each = google_cloud_run_v2_job.training

  name     = each.value.name
  location = each.value.location
  role     = "roles/run.invoker"
  member   = google_service_account.this["scheduler"].member
}

resource "google_cloud_scheduler_job" "training" {
  for_each = var.training_schedule == null ? {} : google_cloud_run_v2_job.training

  name        = each.value.name
  region      = var.region
  description = "Starts the job ${each.value.name}"
  schedule    = var.training_schedule
  time_zone   = "Etc/UTC"

  # starting twice would only train twice
  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${each.value.name}:run"
    oauth_token {
      service_account_email = google_service_account.this["scheduler"].email
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.scheduler]
}
