# The inference API. It starts as a public placeholder, so that one apply works before anything was built;
# from then on the delivery owns image and traffic, and this file the rest.
#
# What changes here makes a new revision, and it gets no traffic: the delivery has pinned that to a revision by name.
# The delivery always makes a revision after an apply, from the service as it then is; so a change takes effect with the
# next one, tested and step by step as every other.

resource "google_cloud_run_v2_service" "api" {
  name                = "aiot-api${local.suffix}"
  location            = var.region
  description         = "Inference: windows in, predictions out"
  deletion_protection = var.deletion_protection

  # reachable, but only for those who are allowed to call it: the function comes without a network of its own
  ingress              = "INGRESS_TRAFFIC_ALL"
  invoker_iam_disabled = false

  scaling {
    min_instance_count = var.api.min_instances
    max_instance_count = var.api.max_instances
  }

  template {
    service_account                  = google_service_account.this["api"].email
    max_instance_request_concurrency = var.api.concurrency
    timeout                          = "${var.api.timeout_s}s"

    containers {
      image = var.api.first_image

      ports {
        container_port = 8080
      }
      resources {
        limits            = { cpu = tostring(var.api.cpu), memory = var.api.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }
      # what serving/settings.py reads; the caller's own go last, so that they count
      dynamic "env" {
        for_each = merge({
          INFERENCE_THREADS = tostring(var.api.cpu)
          # so that a log line is found beside its trace
          GOOGLE_CLOUD_PROJECT = var.project_id
        }, var.api.environment)

        content {
          name  = env.key
          value = env.value
        }
      }

      # The placeholder answers 200 on every path, so the API's own probes hold for both.
      # Ready means: each bundle has given its golden scores, about a second after the start.
      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 60
        http_get {
          path = "/health/ready"
          port = 8080
        }
      }
      liveness_probe {
        period_seconds    = 20
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/health/live"
          port = 8080
        }
      }
    }
  }

  lifecycle {
    # not template[0].revision: a name that somebody gave by hand would be sent again, and Cloud Run refuses a second
    # revision of that name
    ignore_changes = [
      client,
      client_version,
      template[0].annotations,
      template[0].containers[0].image,
      template[0].labels,
      traffic,
    ]
  }

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_service_iam_member" "api_function" {
  name     = google_cloud_run_v2_service.api.name
  location = google_cloud_run_v2_service.api.location
  role     = "roles/run.invoker"
  member   = google_service_account.this["function"].member
}

resource "google_cloud_run_v2_service_iam_member" "api_invokers" {
  for_each = var.api_invokers

  name     = google_cloud_run_v2_service.api.name
  location = google_cloud_run_v2_service.api.location
  role     = "roles/run.invoker"
  member   = each.key
}
