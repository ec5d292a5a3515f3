import Retry
import Testing

@Suite struct FileErrorTests {
    @Test func `an error begins with the file and, where it is known, the line`() {
        #expect("\(FileError(file: "rules.yaml", line: 12, reason: "no"))" == "rules.yaml:12: no")
        #expect("\(FileError(file: "rules.yaml", reason: "no"))" == "rules.yaml: no")
    }
}
