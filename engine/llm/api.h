#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace sluice {

// ApiKind - which of the providers' interfaces a path belongs to.
enum class ApiKind : std::uint8_t {
  kNone,         // not below /v1: no proxy path
  kChat,         // /v1/chat/completions
  kCompletions,  // /v1/completions
  kEmbeddings,   // /v1/embeddings
  kResponses,    // /v1/responses
  kMessages,     // /v1/messages
  kModels,       // /v1/models: answered by the gateway itself
  kModel,        // /v1/models/{id}: likewise
  kOther,        // anything else below /v1: passed through
};

// Decides on the raw bytes (HTTP_RULES S5); capital letters and a slash at the end make another
// path.
[[nodiscard]] ApiKind classify_api(std::string_view path) noexcept;

// Whether a path below /v1 could mean another one to the provider: dot segments, empty segments,
// %00, encoded slashes or backslashes, an escape that is none. Refused with 400 (HTTP_RULES S5).
// Below /v1/models/ an encoded slash is good: ids contain slashes, SDKs encode them, and no
// provider sees the path.
[[nodiscard]] bool api_path_is_ambiguous(std::string_view path) noexcept;

// The {id} of a kModel path with its escapes decoded; a view into `path` or the arena. Ids may
// contain slashes.
[[nodiscard]] std::string_view model_id_of(std::string_view path, Arena& arena);

// The methods that an interface takes, as an Allow field spells them; "" when it takes any.
[[nodiscard]] std::string_view api_methods(ApiKind kind) noexcept;
[[nodiscard]] bool api_allows(ApiKind kind, std::string_view method) noexcept;

// Whether requests are JSON objects with a `model` (HTTP_RULES J4). kOther bodies may be anything.
[[nodiscard]] bool api_needs_model(ApiKind kind) noexcept;

// Whether streams report usage only when stream_options.include_usage asks for it.
[[nodiscard]] bool api_injects_usage(ApiKind kind) noexcept;

// AnswerKind - how usage can be read from a response body.
enum class AnswerKind : std::uint8_t {
  kJson,
  kEventStream,
  kOpaque,  // compressed (COMPAT 20), or of another type
};

// By the values of Content-Type and Content-Encoding ("" when the field is missing).
[[nodiscard]] AnswerKind classify_answer(std::string_view content_type,
                                         std::string_view content_encoding) noexcept;

}  // namespace sluice
