#include "program/config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace tps {
namespace {

// A file that is gone with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("tps-config-test-" + std::to_string(getpid()) + "-" + std::to_string(++count));
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

Config load(const Values& flags, const std::vector<std::string>& environment) {
  auto config = Config::load(flags, environment);
  EXPECT_TRUE(config.has_value()) << (config ? "" : config.error());
  return *config;
}

std::string error_of(const Values& flags, const std::vector<std::string>& environment) {
  const auto config = Config::load(flags, environment);
  return config ? "" : config.error();
}

TEST(Config, NothingGivenIsEnough) {
  const Config config = load({}, {"HOME=/root", "PATH=/bin"});
  EXPECT_EQ(config.text("listen"), "127.0.0.1:8000");
  EXPECT_EQ(config.text("database-url"), "sqlite:tps.db");
  EXPECT_EQ(config.text("worker"), "true");
  EXPECT_EQ(config.value("listen").source, "default");
}

TEST(Config, FlagsBeatEnvironmentBeatsFileBeatsDefault) {
  const TemporaryFile file("listen = \"file:1\"\nlog-level = \"warn\"\nio-threads = 3\n");
  const Config config =
      load({{"listen", "flag:1"}, {"config", file.path()}}, {"TPS_LISTEN=env:1", "TPS_LOG_LEVEL=error"});
  EXPECT_EQ(config.text("listen"), "flag:1");
  EXPECT_EQ(config.value("listen").source, "flag --listen");
  EXPECT_EQ(config.text("log-level"), "error");
  EXPECT_EQ(config.value("log-level").source, "environment TPS_LOG_LEVEL");
  EXPECT_EQ(config.text("io-threads"), "3");
  EXPECT_EQ(config.value("io-threads").source, "file " + file.path());
}

TEST(Config, TheUsualNamesAreReadToo) {
  EXPECT_EQ(load({}, {"DATABASE_URL=postgresql://a"}).text("database-url"), "postgresql://a");
  EXPECT_EQ(load({}, {"REDIS_URL=redis://r"}).text("redis-url"), "redis://r");
  // The name with the prefix wins, in any order of the environment.
  EXPECT_EQ(load({}, {"DATABASE_URL=x", "TPS_DATABASE_URL=y"}).text("database-url"), "y");
  EXPECT_EQ(load({}, {"TPS_DATABASE_URL=y", "DATABASE_URL=x"}).text("database-url"), "y");
}

TEST(Config, TwoVariablesOfOneSettingAreRefused) {
  const TemporaryFile secret("postgresql://of-the-file\n");
  const std::string value = "TPS_DATABASE_URL=postgresql://of-the-value";
  const std::string file = "TPS_DATABASE_URL_FILE=" + secret.path();
  EXPECT_EQ(error_of({}, {value, file}), "TPS_DATABASE_URL and TPS_DATABASE_URL_FILE are both set: remove one of them");
  EXPECT_EQ(error_of({}, {file, value}), "TPS_DATABASE_URL_FILE and TPS_DATABASE_URL are both set: remove one of them");
  EXPECT_EQ(error_of({}, {"DATABASE_URL=postgresql://x", "DATABASE_URL_FILE=" + secret.path()}),
            "DATABASE_URL and DATABASE_URL_FILE are both set: remove one of them");
  for (const auto& environment : {std::vector{value, "DATABASE_URL_FILE=" + secret.path()},
                                  std::vector{"DATABASE_URL_FILE=" + secret.path(), value}}) {
    EXPECT_EQ(load({}, environment).text("database-url"), "postgresql://of-the-value");
  }
}

TEST(Config, SecretsMayComeFromFiles) {
  const TemporaryFile secret("postgresql://u:p@h/d\n");
  const Config config = load({}, {"TPS_DATABASE_URL_FILE=" + secret.path()});
  EXPECT_EQ(config.text("database-url"), "postgresql://u:p@h/d");
  EXPECT_EQ(config.shown(*find_setting("database-url")), "postgresql://u:***@h/d");
  EXPECT_NE(error_of({}, {"TPS_DATABASE_URL_FILE=/nonexistent"}).find("/nonexistent"), std::string::npos);
}

TEST(Config, UnknownNamesAreRefusedWithASuggestion) {
  EXPECT_NE(error_of({}, {"TPS_LISTN=x"}).find("did you mean TPS_LISTEN?"), std::string::npos);
  const TemporaryFile file("databse-url = \"x\"\n");
  EXPECT_NE(error_of({{"config", file.path()}}, {}).find("did you mean database-url?"), std::string::npos);
  EXPECT_EQ(error_of({}, {"TPS_XYZZY=1"}).find("did you mean"), std::string::npos);
}

TEST(Config, ServiceLinksOfKubernetesAreNotOurs) {
  EXPECT_EQ(error_of({}, {"TPS_SERVICE_HOST=10.0.0.1", "TPS_PORT=tcp://10.0.0.1:80", "TPS_PORT_80_TCP=x"}), "");
}

TEST(Config, ValuesAreChecked) {
  for (const char* bad :
       {"TPS_IO_THREADS=0", "TPS_IO_THREADS=65", "TPS_IO_THREADS=two", "TPS_IO_THREADS=", "TPS_IO_THREADS=1x",
        "TPS_WORKER=maybe", "TPS_IO_THREADS=-1", "TPS_REQUEST_TIMEOUT=-1", "TPS_LOG_LEVEL=debg", "TPS_LOG_FORMAT="}) {
    EXPECT_NE(error_of({}, {bad}), "") << bad;
  }
  for (const char* good : {"TPS_WORKER=no", "TPS_WORKER=off", "TPS_WORKER=0", "TPS_WORKER=false"}) {
    EXPECT_EQ(parse_toggle(load({}, {good}).text("worker")), false) << good;
  }
}

TEST(Config, AWrongChoiceIsToldTheRightOne) {
  EXPECT_EQ(error_of({{"log-level", "debg"}}, {}),
            "log-level (flag --log-level): expected debug, info, warn or error, not \"debg\"; did you mean debug?");
}

TEST(Config, AMistakeInTheFileIsReportedWithItsLine) {
  const TemporaryFile twice("io-threads = 1\nio-threads = 2\n");
  EXPECT_EQ(error_of({{"config", twice.path()}}, {}), twice.path() + ": line 2: io-threads is set twice");
  const TemporaryFile itself("\nconfig = x\n");
  EXPECT_EQ(error_of({{"config", itself.path()}}, {}).find(itself.path() + ": line 2: unknown setting config"), 0);
}

TEST(Config, PasswordsAreNotShown) {
  struct Case {
    const char* url;
    const char* shown;
  };
  const Case cases[] = {
      {"postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"},
      {"postgresql://u:s@cr@et@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u@h/d?password=secret&x=1", "postgresql://u@h/d?password=***&***"},
      {"postgresql://h/d?sslmode=require&sslpassword=secret", "postgresql://h/d?sslmode=require&***"},
      {"host=h password=secret", "***"},
      {"u:secret@h/d", "***"},
      {"mysql://u:secret@h/d", "***"},
      {"postgresql://u:sec?ret@h/d", "postgresql://***"},
      {"postgresql://u:sec/ret@h/d", "postgresql://u:***@h/d"},
      {"redis://secret@h", "redis://***@h"},
      {"sqlite:/var/lib/tps/tps.db", "sqlite:/var/lib/tps/tps.db"},
      {"redis://:secret@h", "redis://:***@h"},
      {"sqlite:tps.db", "sqlite:tps.db"},
      {"postgresql://h/d", "postgresql://h/d"},
  };
  for (const Case& one : cases) EXPECT_EQ(without_password(one.url), one.shown);
}

TEST(Config, APortReplacesThatOfTheAddress) {
  struct Case {
    const char* listen;
    const char* with_port;
  };
  const Case cases[] = {
      {"0.0.0.0:8000", "0.0.0.0:9000"},
      {"[::1]:8000", "[::1]:9000"},
      {"localhost", "localhost:9000"},
      {"[::1]", "[::1]:9000"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(load({{"listen", one.listen}, {"port", "9000"}}, {}).text("listen"), one.with_port);
    EXPECT_EQ(load({{"port", "9000"}}, {"TPS_LISTEN=" + std::string(one.listen)}).text("listen"), one.with_port);
  }
  EXPECT_EQ(load({{"port", "9000"}}, {}).value("listen").source, "flag --port");
}

TEST(Config, AnUnknownNameIsABug) { EXPECT_THROW(static_cast<void>(load({}, {}).text("listn")), std::logic_error); }

}  // namespace
}  // namespace tps
