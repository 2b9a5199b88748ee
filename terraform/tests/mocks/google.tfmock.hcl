# What Google would answer. With it the tests need neither an account nor the network.

mock_resource "google_cloudfunctions2_function" {
  defaults = {
    service_config = { uri = "https://function.example" }
  }
}

mock_resource "google_cloud_run_v2_service" {
  defaults = { uri = "https://api.example" }
}

mock_data "google_project" {
  defaults = { number = "123456789012" }
}

override_resource {
  target = google_service_account.this["api"]
  values = { id = "sa/api", name = "sa/api", email = "api@example", member = "serviceAccount:api@example" }
}

override_resource {
  target = google_service_account.this["archivist"]
  values = { id = "sa/archivist", name = "sa/archivist", email = "archivist@example", member = "serviceAccount:archivist@example" }
}

override_resource {
  target = google_service_account.this["build"]
  values = { id = "sa/build", name = "sa/build", email = "build@example", member = "serviceAccount:build@example" }
}

override_resource {
  target = google_service_account.this["function"]
  values = { id = "sa/function", name = "sa/function", email = "function@example", member = "serviceAccount:function@example" }
}

override_resource {
  target = google_service_account.this["pusher"]
  values = { id = "sa/pusher", name = "sa/pusher", email = "pusher@example", member = "serviceAccount:pusher@example" }
}

override_resource {
  target = google_service_account.this["scheduler"]
  values = { id = "sa/scheduler", name = "sa/scheduler", email = "scheduler@example", member = "serviceAccount:scheduler@example" }
}

override_resource {
  target = google_service_account.this["sweeper"]
  values = { id = "sa/sweeper", name = "sa/sweeper", email = "sweeper@example", member = "serviceAccount:sweeper@example" }
}

override_resource {
  target = google_service_account.this["training"]
  values = { id = "sa/training", name = "sa/training", email = "training@example", member = "serviceAccount:training@example" }
}
