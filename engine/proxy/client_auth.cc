#include "engine/proxy/client_auth.h"

#include <algorithm>
#include <cstring>

#include "tls/digest.h"

namespace sluice {
namespace {

Answer unauthorized(std::string_view message) {
  return Answer{.status = 401,
                .type = "invalid_request_error",
                .code = "invalid_api_key",
                .message = message,
                .authenticate = true};
}

// The token of `Bearer <token>`; "" when it is another scheme.
std::string_view bearer_token(std::string_view value) noexcept {
  constexpr std::string_view kScheme = "bearer ";
  if (value.size() <= kScheme.size()) return {};
  if (!equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return {};
  const std::string_view token = value.substr(kScheme.size());
  const std::size_t begin = token.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view{} : token.substr(begin);
}

}  // namespace

OrAnswer<const ClientKey*> authenticate(const Directory& directory, const RequestHead& head,
                                        ApiKind api) {
  std::string_view token;
  if (const Field* const field = head.fields.find(FieldId::kAuthorization))
    token = bearer_token(field->value);
  if (token.empty() && api == ApiKind::kMessages) {
    if (const Field* const field = head.fields.find(FieldId::kXApiKey)) token = field->value;
  }
  if (directory.clients.empty() && directory.open) return nullptr;
  if (!token.empty()) {
    const Sha256Digest digest = sha256(token);
    std::uint8_t bytes[kSha256Bytes];
    std::memcpy(bytes, digest.data(), sizeof(bytes));
    if (const ClientKey* const key = directory.find_client(bytes)) return key;
  }
  if (directory.open) return nullptr;
  return std::unexpected(unauthorized(
      token.empty()
          ? "no client key: send one of this gateway's client keys as 'Authorization: Bearer <key>'"
          : "the client key is not known to this gateway"));
}

bool may_use_model(const ClientKey* key, std::string_view model) noexcept {
  return key == nullptr || key->models.empty() || model.empty() ||
         std::binary_search(key->models.begin(), key->models.end(), model);
}

OrAnswer<void> authorize_model(Exchange& exchange) {
  Answer answer{.status = 403, .type = "permission_error", .code = "model_not_allowed"};
  const ClientKey* const key = exchange.client_key;
  if (!may_use_model(key, exchange.model)) {
    answer.message =
        exchange.arena.join("this client key may not use the model '", exchange.model, "'");
    return std::unexpected(answer);
  }
  const bool limited = key != nullptr && !key->models.empty();
  if (limited && !exchange.body.empty() && !exchange.model_is_told) {
    answer.message =
        "this client key may use certain models only, and the body does not tell in a way that can "
        "be checked which one it is for: send JSON or a form with one field 'model'";
    return std::unexpected(answer);
  }
  return {};
}

}  // namespace sluice
