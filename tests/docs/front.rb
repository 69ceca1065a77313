# Serves on a free port of this machine, and answers 204 to what `verified?` of the program takes, else 400.
# Arguments: the program's path, and the key. Ends when its standard input does.
require "socket"

path, key = ARGV
load path

Thread.new { $stdin.read && exit!(0) }
server = TCPServer.new("127.0.0.1", 0)
puts server.addr[1]
$stdout.flush
loop do
  connection = server.accept
  connection.gets
  headers = {}
  while (line = connection.gets) && line != "\r\n"
    name, value = line.split(":", 2)
    headers[name.downcase] = value.strip
  end
  body = connection.read(headers["content-length"].to_i)
  status = verified?(body, headers, key) ? "204 No Content" : "400 Bad Request"
  connection.write("HTTP/1.1 #{status}\r\nConnection: close\r\n\r\n")
  connection.close
end
