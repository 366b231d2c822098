#pragma once

#include "engine/proxy/answer.h"

namespace sluice {

// Who asks: a client key of the directory, or null where requests without a key are served. The key
// comes as `Authorization: Bearer`, on /v1/messages also as `x-api-key`. Errors: 401. Never looks
// at the body.
[[nodiscard]] OrAnswer<const ClientKey*> authenticate(const Directory& directory,
                                                      const RequestHead& head, ApiKind api);

// 403 when the key may not use the exchange's model; also when it may use certain models only and
// the body does not tell which one it is for, because the provider might find one in it.
[[nodiscard]] OrAnswer<void> authorize_model(Exchange& exchange);
[[nodiscard]] bool may_use_model(const ClientKey* key, std::string_view model) noexcept;

}  // namespace sluice
