# The sweep: every few minutes Cloud Scheduler has the function look after devices that stopped sending.

resource "google_cloud_scheduler_job" "sweep" {
  name        = "aiot-sweep${local.suffix}"
  region      = var.region
  description = "Has ${google_cloudfunctions2_function.this.name} look after devices that stopped sending"
  schedule    = "*/${var.sweep_minutes} * * * *"
  time_zone   = "Etc/UTC"
  # as long as the function may take
  attempt_deadline = "${google_cloudfunctions2_function.this.service_config[0].timeout_seconds}s"

  # what one leaves undone the next does
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = "${google_cloudfunctions2_function.this.service_config[0].uri}/sweep"
    oidc_token {
      service_account_email = google_service_account.this["sweeper"].email
      audience              = google_cloudfunctions2_function.this.service_config[0].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.sweeper]
}

resource "google_cloud_run_v2_service_iam_member" "sweeper" {
  name     = google_cloudfunctions2_function.this.name
  location = google_cloudfunctions2_function.this.location
  role     = "roles/run.invoker"
  member   = google_service_account.this["sweeper"].member
}
