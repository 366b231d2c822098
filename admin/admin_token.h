#pragma once

#include <expected>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/start_failure.h"
#include "engine/config/config.h"
#include "engine/config/expand.h"
#include "store/writer.h"
#include "tls/digest.h"

namespace sluice {

// The digest of the administrator's token: of SIDECAR_ADMIN_TOKEN, else of the one that was made at
// the first start. Its file, admin.token in the data directory, is for people and is named in the
// log once; the store keeps the digest alone, so the file may be moved away. Without a store and
// without the variable there is none, and nobody is the administrator.
[[nodiscard]] std::expected<std::optional<Sha256Digest>, StartFailure> open_admin_token(
    const StoreConfig& config, const Environment& env, Writer* writer, const Log& log);

}  // namespace sluice
