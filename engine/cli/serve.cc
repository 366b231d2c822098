#include <sysexits.h>

#include <cstdio>
#include <memory>

#include "engine/cli/commands.h"
#include "engine/config/config.h"
#include "engine/server.h"

namespace sluice {

int run_serve(const Config& config) {
  const auto server = std::make_unique<Server>(config);
  if (const auto started = server->start(); !started) {
    std::fputs(("sluice serve: " + started.error().text).c_str(), stderr);
    return started.error().exit_code;
  }
  for (const std::string& url : server->urls())
    std::printf("sluice serve: listening on %s\n", url.c_str());
  std::fflush(stdout);
  return server->run();
}

}  // namespace sluice
