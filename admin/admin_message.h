#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "parser/http1_request.h"

namespace sluice {

// Admission - how a request was let in.
struct Admission {
  bool reads_only = false;  // without the token (admin.public_read)
  std::string login = {};   // by this cookie; "": by the token, or without
};

// AdminRequest - a request for the administrator, whole.
//
// Owns      all of its bytes; `head` refers to head_text.
// Affinity  none: made on the administrator's thread, answered on another one.
struct AdminRequest {
  AdminRequest() = default;
  AdminRequest(const AdminRequest&) = delete;
  AdminRequest& operator=(const AdminRequest&) = delete;

  std::string head_text;
  WithFields<RequestHead> head;
  Secret body;                      // it may be a key, or hold one
  std::string peer;                 // the client's address, without its port
  bool tls = false;                 // the client's connection is under TLS
  std::vector<std::string> params;  // what stands for {...} in the route's path, decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  Admission admission;

  // The value of the first field of that name (lower case); "" when there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const noexcept;
  // The value of the first parameter of that name; "" when there is none.
  [[nodiscard]] std::string_view param(std::string_view name) const noexcept;
};

// AdminResponse - what is answered, whole.
struct AdminResponse {
  std::uint16_t status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  Secret secret_body = {};  // sent instead of `body` when it is not empty
  std::vector<std::pair<std::string, std::string>> fields = {};  // beside those of all answers
};

// {"detail": text, "code": code}, as all errors here. `code` is of admin/openapi.json, for those
// who say it in another language or do something about it; "": it has none.
[[nodiscard]] AdminResponse admin_error(std::uint16_t status, std::string_view detail,
                                        std::string_view code = {});

// Decodes %XX; nothing when one is malformed or there is a NUL. `plus`: '+' is a space (queries).
[[nodiscard]] bool decode_percent(std::string_view text, bool plus, std::string& out);

}  // namespace sluice
