#pragma once

#include <string_view>

#include "engine/llm/api.h"

namespace sluice {

// Whether the payload of an event brings some of the answer's text, of its reasoning or of a tool
// call: not the roles, counts and ends around it. `data` is JSON as the interface of `api` streams
// it (OpenAI's chat, completions and responses, Anthropic's messages; of others all of these).
[[nodiscard]] bool has_content(ApiKind api, std::string_view data) noexcept;

// Whether it says that the stream has failed: an object with `error`, or of the type "error".
[[nodiscard]] bool is_error_event(std::string_view data) noexcept;

}  // namespace sluice
