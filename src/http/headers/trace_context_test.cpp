#include "http/headers/trace_context.hpp"

#include <gtest/gtest.h>

namespace tps::http {
namespace {

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kSpan = "00f067aa0ba902b7";

std::string header_of(std::string_view version, std::string_view trace, std::string_view span, std::string_view end) {
  return std::string(version) + "-" + std::string(trace) + "-" + std::string(span) + "-" + std::string(end);
}

Request traced(const std::vector<std::string_view>& headers) {
  Request request;
  for (const std::string_view header : headers) request.headers.emplace_back("TraceParent", header);
  set_trace(request);
  return request;
}

TEST(TraceContext, KeepsTheTraceAndMakesASpan) {
  const std::string header = header_of("00", kTrace, kSpan, "01");
  const Request request = traced({header});
  EXPECT_EQ(request.trace.size(), header.size());
  EXPECT_EQ(trace_id(request), kTrace);
  EXPECT_NE(span_id(request), kSpan);
  EXPECT_NE(span_id(request), span_id(traced({header})));
  EXPECT_EQ(request.trace, header_of("00", kTrace, span_id(request), "01"));
}

TEST(TraceContext, ReadsLaterVersionsAsFarAsItKnowsThem) {
  for (const std::string_view end : {"00", "00-", "00-more"}) {
    const Request request = traced({header_of("cc", kTrace, kSpan, end)});
    EXPECT_EQ(request.trace, header_of("00", kTrace, span_id(request), "00")) << end;
  }
}

TEST(TraceContext, PassesOnOnlyTheFlagsThatItKnows) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"00", "00"}, {"01", "01"}, {"02", "02"}, {"03", "03"}, {"04", "00"}, {"0a", "02"},
      {"10", "00"}, {"81", "01"}, {"fc", "00"}, {"fe", "02"}, {"ff", "03"},
  };
  for (const auto& [given, sent] : cases) {
    for (const std::string_view version : {"00", "cc"}) {
      const Request request = traced({header_of(version, kTrace, kSpan, given)});
      EXPECT_EQ(request.trace, header_of("00", kTrace, span_id(request), sent)) << version << " " << given;
    }
  }
}

TEST(TraceContext, KnowsWhichAreKept) {
  const std::pair<std::string_view, bool> cases[] = {
      {"00", false}, {"01", true}, {"02", false}, {"03", true}, {"fe", false}};
  for (const auto& [flags, kept] : cases) {
    EXPECT_EQ(is_sampled(traced({header_of("00", kTrace, kSpan, flags)})), kept) << flags;
  }
  EXPECT_FALSE(is_sampled(traced({})));
}

TEST(TraceContext, IgnoresWhatIsNone) {
  const std::string zeros(32, '0');
  const std::string good = header_of("00", kTrace, kSpan, "01");
  for (const std::string& bad :
       {std::string(), good.substr(1), good.substr(0, good.size() - 1), good + "-", good + "0", " " + good,
        header_of("ff", kTrace, kSpan, "01"), header_of("0g", kTrace, kSpan, "01"), header_of("00", zeros, kSpan, "01"),
        header_of("00", kTrace, zeros.substr(16), "01"), header_of("00", kTrace, kSpan, "0x"),
        header_of("00", "4BF92F3577B34DA6A3CE929D0E0E4736", kSpan, "01"), header_of("cc", kTrace, kSpan, "01.more"),
        header_of("00", "\n" + std::string(kTrace.substr(1)), kSpan, "01")}) {
    const Request request = traced({bad});
    EXPECT_EQ(request.trace, "") << bad;
    EXPECT_EQ(trace_id(request), "") << bad;
    EXPECT_EQ(span_id(request), "") << bad;
  }
  EXPECT_EQ(traced({good, good}).trace, "");
  EXPECT_EQ(traced({}).trace, "");
}

}  // namespace
}  // namespace tps::http
