# Tells the billing account's administrators, and who is told of alerts, what the project costs. It stops nothing.

resource "google_billing_budget" "this" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "aiot${local.suffix}"

  # environments that share a project share its costs, too
  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units         = tostring(var.budget.monthly)
      currency_code = var.budget.currency
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  # the month is not over, but at this pace it will cost more
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  dynamic "all_updates_rule" {
    for_each = length(var.alert_emails) == 0 ? [] : [0]
    content {
      # no more than five are allowed
      monitoring_notification_channels = slice(
        [for channel in google_monitoring_notification_channel.email : channel.name], 0, min(5, length(var.alert_emails)),
      )
    }
  }

  depends_on = [google_project_service.this]
}
