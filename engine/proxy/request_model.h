#pragma once

#include "engine/proxy/answer.h"

namespace sluice {

// Finds out which model the request is for: the `model` member of a JSON body (J1-J4), the `model`
// part of a form, or the configured default (J5). Fills exchange.json, probe and model; "" where a
// path needs none. Errors: 400.
OrAnswer<void> find_model(Exchange& exchange);

}  // namespace sluice
