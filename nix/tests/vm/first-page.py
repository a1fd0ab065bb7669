# The server answers, the browser finds the page's files, and the host appears on the page.
enroll()
machine.wait_until_succeeds(f"curl --fail --silent --cookie /tmp/jar {SERVER}/ | grep gpc0")
for file in ["backstay.css", "backstay.js", "backstay.wasm"]:
    machine.succeed(f"curl --fail --silent --output /dev/null {SERVER}/pkg/{file}")
