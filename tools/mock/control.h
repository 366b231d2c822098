#pragma once

#include "tools/mock/answer.h"
#include "tools/mock/provider_state.h"

namespace sluice {

// The answer to a request below /mock/: ledger, counts, script.
[[nodiscard]] MockAnswer answer_control(ProviderState& state, const MockRequest& request);

}  // namespace sluice
