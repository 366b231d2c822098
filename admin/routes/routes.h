#pragma once

#include <span>

#include "admin/router.h"

namespace sluice {

// The routes of admin/openapi.json, by what they are about.

[[nodiscard]] std::span<const AdminRoute> gateway_routes();  // version, reload, drain, health
[[nodiscard]] std::span<const AdminRoute> session_routes();  // login, logout
[[nodiscard]] std::span<const AdminRoute> live_routes();     // the stream, events, queue, status
[[nodiscard]] std::span<const AdminRoute> metrics_routes();
[[nodiscard]] std::span<const AdminRoute> page_routes();   // the page, its assets, the document
[[nodiscard]] std::span<const AdminRoute> stats_routes();  // the predecessor's sums, cooldowns
[[nodiscard]] std::span<const AdminRoute> table_routes();  // /stats, for browsers without scripts
[[nodiscard]] std::span<const AdminRoute> usage_routes();  // sums over a span, single requests

[[nodiscard]] std::span<const AdminRoute> backend_routes();   // accounts
[[nodiscard]] std::span<const AdminRoute> provider_routes();  // the same as files
[[nodiscard]] std::span<const AdminRoute> client_routes();    // client keys
[[nodiscard]] std::span<const AdminRoute> price_routes();     // of models
[[nodiscard]] std::span<const AdminRoute> setting_routes();   // config, settings

}  // namespace sluice
