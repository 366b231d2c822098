#include <sysexits.h>

#include <cstdio>
#include <memory>
#include <string>

#include "engine/cli/commands.h"
#include "engine/config/load.h"
#include "engine/server.h"
#include "parser/listen_address.h"
#include "tools/mock/mock_provider.h"

namespace sluice {
namespace {

constexpr const char* kMockScript =
    "models: [demo-model]\n"
    "defaults: {latency: 50ms, tokens: 24, tokens-per-second: 40}\n";

// Two accounts of the mock provider, each with its own budget, behind one model name.
Config demo_config(const DemoOptions& options, const std::string& provider) {
  Config config;
  config.shards = usable_cpus();
  config.auth_open = true;
  config.account_defaults.rpm_limit = 40;
  if (!options.listen.empty()) config.listen.clear();
  for (const std::string& text : options.listen) {
    if (const auto address = parse_listen_address(text)) config.listen.push_back(*address);
  }
  for (const char* const name : {"demo-a", "demo-b"}) {
    AccountConfig account;
    account.name = name;
    account.base_url = provider + "/v1";
    account.api_key = Secret(std::string("sk-test-") + name);
    account.models.push_back(ModelMapping{.canonical = "demo-model", .native = "demo-model"});
    config.accounts.push_back(std::move(account));
  }
  return config;
}

int fail(const std::string& text, int exit_code) {
  std::fputs(("sluice demo: " + text).c_str(), stderr);
  return exit_code;
}

}  // namespace

int run_demo(const DemoOptions& options) {
  for (const std::string& text : options.listen) {
    const auto address = parse_listen_address(text);
    if (address) continue;
    return fail("--listen: " + listen_refusal(text, address.error()) + "\n", EX_USAGE);
  }
  MockOptions mock_options;
  auto script = parse_script(kMockScript);
  if (!script) return fail(script.error() + "\n", EX_SOFTWARE);
  mock_options.script = std::move(*script);
  MockProvider provider;
  // The signals are the server's to wait for: blocked before any thread starts.
  Server::block_signals();
  if (const auto port = provider.start(std::move(mock_options)); !port)
    return fail(port.error() + "\n", EX_UNAVAILABLE);
  const Config config = demo_config(options, provider.url());
  const auto server = std::make_unique<Server>(config);
  if (const auto started = server->start(); !started)
    return fail(started.error().text, started.error().exit_code);
  for (const std::string& url : server->urls())
    std::printf("sluice demo: listening on %s\n", url.c_str());
  std::fflush(stdout);
  return server->run();
}

}  // namespace sluice
