#include "admin/upstream_rule.h"

#include "parser/host_name.h"
#include "parser/ip_reach.h"
#include "parser/url.h"

namespace sluice {

std::optional<FieldProblem> refuse_upstream(std::string_view base_url, bool private_allowed) {
  BaseUrl url;
  std::string_view why;
  if (!parse_base_url(base_url, url, why)) return {};  // has been said by its rule
  const auto refuse = [](std::string problem, std::string mend) {
    return FieldProblem{"api_base_url", std::move(problem), std::move(mend)};
  };
  const auto ip = parse_ip(url.host);
  const auto name = HostName::parse(url.host);
  if (ip && is_forbidden(*ip))
    return refuse("is at an address of which no provider answers", "give a provider's URL");
  const bool is_local = ip ? is_private(*ip) : name && name->is_localhost();
  if (is_local && !private_allowed)
    return refuse("is at a private address, which admin.private_upstreams does not allow",
                  "give a public URL, or say admin.private_upstreams: true in the configuration");
  if (url.tls || is_local) return {};
  if (ip || !private_allowed)
    return refuse("would send the key unencrypted", "give a URL that begins with https://");
  return {};
}

}  // namespace sluice
