#include "engine/cli/command_line.h"

#include <gtest/gtest.h>

#include "engine/cli/commands.h"
#include "tests/unit/config/config_text.h"

namespace sluice {
namespace {

std::string served;  // what run_serve was called with

}  // namespace

// In place of the server: only the command line is tested here.
int run_serve(const Config& config) {
  served = config.listen.at(0).text() + " " + config.origin_of("listen").text();
  return 7;
}

namespace {

struct Ran {
  int exit_code;
  std::string out;
  std::string err;
};

Ran run(std::vector<const char*> arguments) {
  constexpr AddCommand kCommands[] = {add_serve_command, add_check_config_command,
                                      add_config_command, add_version_command};
  arguments.insert(arguments.begin(), "sluice");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int exit_code =
      run_command_line(static_cast<int>(arguments.size()), arguments.data(), kCommands);
  std::string out = testing::internal::GetCapturedStdout();
  return {exit_code, std::move(out), testing::internal::GetCapturedStderr()};
}

struct UsageRow {
  const char* rule;
  std::vector<const char*> arguments;
  const char* err;  // its beginning
};

const UsageRow kUsageRows[] = {
    {"nothing at all", {}, "sluice - an LLM API gateway"},
    {"an unknown command",
     {"srve"},
     "sluice: unknown command or argument \"srve\"; did you mean \"serve\"?\nTry: sluice --help\n"},
    {"an unknown option",
     {"serve", "--lisetn", ":1"},
     "sluice: unknown option \"--lisetn\"; did you mean \"--listen\"?\nTry: sluice serve --help\n"},
    {"an option with a value attached",
     {"serve", "--lisetn=:1"},
     "sluice: unknown option \"--lisetn=:1\"; did you mean \"--listen\"?\n"},
    {"an option without its value", {"serve", "-c"}, "sluice: --config: 1 required"},
    {"a command without its second word",
     {"config"},
     "sluice: A subcommand is required\nTry: sluice config --help\n"},
    {"a wrong second word",
     {"config", "shwo"},
     "sluice: unknown command or argument \"shwo\"; did you mean \"show\"?\nTry: sluice config "
     "--help"},
};

TEST(CommandLine, AWrongOneIsAUsageErrorAndSaysWhereToLook) {
  for (const UsageRow& row : kUsageRows) {
    const Ran ran = run(row.arguments);
    EXPECT_EQ(ran.exit_code, 64) << row.rule;
    EXPECT_TRUE(ran.err.starts_with(row.err)) << row.rule << "\n" << ran.err;
    EXPECT_EQ(ran.out, "") << row.rule;
  }
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
  for (const std::vector<const char*>& command :
       {std::vector<const char*>{}, {"serve"}, {"check-config"}, {"config", "show"}}) {
    std::vector<const char*> arguments = command;
    arguments.push_back("--help");
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_NE(ran.out.find("Example"), std::string::npos) << ran.out;
    EXPECT_EQ(ran.err, "");
  }
  EXPECT_NE(run({"--help"}).out.find("78  the configuration is wrong"), std::string::npos);
}

TEST(CommandLine, VersionIsToldTwoWays) {
  EXPECT_EQ(run({"version"}).out, "sluice " SLUICE_VERSION "\n");
  EXPECT_EQ(run({"--version"}).out, "sluice " SLUICE_VERSION "\n");
  EXPECT_EQ(run({"version"}).exit_code, 0);
}

constexpr const char* kAccount =
    "accounts: [{name: a, base_url: 'http://127.0.0.1:1', api_key: k}]";

TEST(CommandLine, ServeRunsWithTheConfigurationAndFlags) {
  TempFolder folder;
  const std::string file = folder.put("c.yaml", kAccount);
  EXPECT_EQ(run({"serve", "-c", file.c_str(), "--listen", "127.0.0.1:1", "--listen", "[::1]:2"})
                .exit_code,
            7);
  EXPECT_EQ(served, "127.0.0.1:1 --listen");
}

TEST(CommandLine, AFlagsValueIsCheckedLikeTheFilesAndIsAUsageError) {
  TempFolder folder;
  const std::string file = folder.put("c.yaml", kAccount);
  served.clear();
  const Ran ran = run({"serve", "-c", file.c_str(), "--shards", "many", "--log-level", "loud"});
  EXPECT_EQ(ran.exit_code, 64);
  EXPECT_EQ(ran.err,
            "--shards: \"many\" is not a whole number; expected a whole number from 1 to 256\n"
            "--log-level: \"loud\" is unknown; expected debug, info, warning or error\n"
            "sluice: 2 errors in the command line\n");
  EXPECT_EQ(served, "");
  EXPECT_EQ(run({"serve", "-c", file.c_str(), "--listen", "nowhere"}).exit_code, 64);
  const std::string bad = folder.put("bad.yaml", "shards: 0");
  const Ran both = run({"check-config", "-c", bad.c_str(), "--log-level", "loud"});
  EXPECT_EQ(both.exit_code, 64);
  EXPECT_TRUE(both.err.ends_with("in the command line and the configuration\n")) << both.err;
}

// The flag is well formed: it is the configuration that does not allow it.
TEST(CommandLine, AFlagThatTheConfigurationForbidsIsAConfigurationError) {
  TempFolder folder;
  const std::string file = folder.put("c.yaml", kAccount);
  const Ran ran = run({"serve", "-c", file.c_str(), "--listen", "0.0.0.0:1"});
  EXPECT_EQ(ran.exit_code, 78) << ran.err;
  EXPECT_TRUE(ran.err.ends_with("sluice: 1 error in the configuration\n")) << ran.err;
}

TEST(CommandLine, CheckConfigTellsAllOfItAndExits) {
  TempFolder folder;
  const std::string good = folder.put("good.yaml", kAccount);
  const std::string bad = folder.put("bad.yaml", "acounts: []\nshards: 0");
  const Ran fine = run({"check-config", "-c", good.c_str()});
  EXPECT_EQ(fine.exit_code, 0);
  EXPECT_EQ(fine.out, good + ": ok, 1 account, 0 client keys, listening on 127.0.0.1:9190\n");
  const Ran wrong = run({"check-config", "-c", bad.c_str()});
  EXPECT_EQ(wrong.exit_code, 78);
  EXPECT_EQ(wrong.out, "");
  EXPECT_TRUE(wrong.err.ends_with("sluice: 2 errors in the configuration\n")) << wrong.err;
  EXPECT_EQ(run({"check-config", "-c", "/nowhere/x.yaml"}).exit_code, 66);
}

TEST(CommandLine, ConfigShowNeedsNoAccount) {
  TempFolder folder;
  const std::string file = folder.put("c.yaml", "shards: 3");
  const Ran ran = run({"config", "show", "-c", file.c_str(), "--log-format", "json"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_NE(ran.out.find("shards: 3"), std::string::npos);
  EXPECT_NE(ran.out.find("# --log-format"), std::string::npos);
}

}  // namespace
}  // namespace sluice
