from tests.acceptance.front_doors.test_front_doors import *
def test_fwd(target):
    raw=sealed(signed(ANN,to="eve@evil.example"),by_google(ANN))
    print("FWD",offered(target,Offered(raw,"SRS0=ab=cd=evil.example=eve@help.example",FORWARDER_HOST))[0])
    print("DIRECT",offered(target,Offered(sealed(signed(ANN,to="eve@evil.example"),by_google(ANN)),EVE))[0])
