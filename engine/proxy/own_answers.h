#pragma once

#include <optional>

#include "engine/proxy/answer.h"

namespace sluice {

// Paths outside /v1 that the gateway answers itself: /health, /livez, /readyz. Nothing for all
// others.
[[nodiscard]] std::optional<Answer> answer_health(Shard& shard, Exchange& exchange);

// GET /v1/models: those the client key may use, sorted. GET /v1/models/{id}: one of them, or 404.
[[nodiscard]] Answer answer_models(Exchange& exchange);
[[nodiscard]] Answer answer_model(Exchange& exchange);

}  // namespace sluice
