import Testing

@testable import meantime

/// Where a configuration's paths lead.
struct ConfigurationFileTests {
    @Test func `paths in a configuration are relative to it`() {
        #expect(ConfigurationFile.resolve("meantime.db", beside: "meantime.yaml") == "meantime.db")
        #expect(
            ConfigurationFile.resolve("meantime.db", beside: "/etc/meantime/meantime.yaml")
                == "/etc/meantime/meantime.db")
        #expect(ConfigurationFile.resolve("../a.db", beside: "etc/meantime.yaml") == "etc/../a.db")
        #expect(ConfigurationFile.resolve("/var/a.db", beside: "etc/meantime.yaml") == "/var/a.db")
    }
}
